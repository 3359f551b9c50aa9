/** The dependency rule of docs/architecture.md, as a check: made of the table in scripts/layers.ts. Each rule's comment is its reason. */
const { LAYERS, REACHES } = require('./scripts/layers.ts');

/** Node starts the threads by their file names, which is no import. */
const ENTRIES = '^src/main\\.ts$|^src/.*-(thread|worker)\\.ts$';
const NOT_PRODUCT = '\\.test\\.ts$|/contract\\.ts$';

const escaped = (name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const oneOf = (names) => `(${names.map(escaped).join('|')})`;
const listed = (names) => (names.length === 0 ? 'none' : names.join(', '));
const product = (folder) => ({ path: `^src/${folder}/`, pathNot: NOT_PRODUCT });

const only = ([folder, { folders, packages, reaches }]) => [
  {
    name: `${folder}-folders`,
    severity: 'error',
    comment: `src/${folder} may import of the other folders: ${listed(folders)}`,
    from: product(folder),
    to: { path: '^src/', pathNot: `^src/${oneOf([folder, ...folders])}/` },
  },
  {
    name: `${folder}-packages`,
    severity: 'error',
    comment: `src/${folder} may import of the packages: ${listed(packages)}`,
    from: product(folder),
    to: { path: '(^|/)node_modules/', ...(packages.length > 0 && { pathNot: `(^|/)node_modules/${oneOf(packages)}/` }) },
  },
  {
    name: `${folder}-reaches`,
    severity: 'error',
    comment: `src/${folder} may touch of the world outside: ${listed(reaches)}`,
    from: product(folder),
    to: { dependencyTypes: ['core'], path: `^(node:)?${oneOf(Object.keys(REACHES).filter((reach) => !reaches.includes(reach)).flatMap((reach) => REACHES[reach]))}$` },
  },
];

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', comment: 'A cycle has no order to read it in', from: { pathNot: '\\.test\\.ts$' }, to: { circular: true } },
    { name: 'engine-is-pure', severity: 'error', comment: 'The engine imports nothing outside itself', from: product('engine'), to: { pathNot: '^src/engine/' } },
    { name: 'main-is-the-root', severity: 'error', comment: 'Nobody imports main', from: {}, to: { path: '^src/main\\.ts$' } },
    { name: 'no-unresolved', severity: 'error', comment: 'Imports must resolve', from: {}, to: { couldNotResolve: true } },
    { name: 'no-dev-dependency', severity: 'error', comment: 'The product runs on its own dependencies', from: { path: '^src/', pathNot: NOT_PRODUCT }, to: { dependencyTypes: ['npm-dev'] } },
    { name: 'product-without-tests', severity: 'error', comment: 'The product imports nothing that is there for tests', from: { path: '^src/', pathNot: NOT_PRODUCT }, to: { path: '^(tests|scripts|bench)/' } },
    {
      name: 'product-for-the-product',
      severity: 'error',
      comment: 'What neither main nor one of its threads reaches is there for tests or scripts, and belongs there',
      from: { path: ENTRIES },
      to: { path: '^src/', pathNot: `${ENTRIES}|${NOT_PRODUCT}`, reachable: false },
    },
    {
      name: 'folder-without-layer',
      severity: 'error',
      comment: 'A folder of src/ that is not in scripts/layers.ts imports nothing',
      from: { path: '^src/[^/]+/', pathNot: `^src/${oneOf(Object.keys(LAYERS))}/` },
      to: {},
    },
    { name: 'logger-is-made-once', severity: 'error', comment: 'main decides where logs go; all others are given a logger', from: { path: '^src/', pathNot: `^src/main\\.ts$|${NOT_PRODUCT}` }, to: { path: '^src/observability/winston\\.ts$' } },
    { name: 'controllers-log-nothing', severity: 'error', comment: 'What a controller throws, the pipeline logs', from: product('controllers'), to: { path: '^src/observability/logger\\.ts$' } },
    ...Object.entries(LAYERS).filter(([folder]) => folder !== 'engine').flatMap(only),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
