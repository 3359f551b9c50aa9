/** The dependency rule of docs/architecture.md, as a check. Each rule's comment is its reason. */
const only = (from, allowed) => ({
  name: `${from}-imports-only`,
  severity: 'error',
  comment: `src/${from} may import only: ${allowed.join(', ')}`,
  from: { path: `^src/${from}/`, pathNot: '\\.test\\.ts$|/contract\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(${[from, ...allowed].join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', comment: 'A cycle has no order to read it in', from: { pathNot: '\\.test\\.ts$' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'engine-is-pure', severity: 'error', comment: 'The engine imports nothing outside itself', from: { path: '^src/engine/', pathNot: '\\.test\\.ts$' }, to: { pathNot: '^src/engine/' } },
    { name: 'main-is-the-root', severity: 'error', comment: 'Nobody imports main', from: {}, to: { path: '^src/main\\.ts$' } },
    { name: 'no-unresolved', severity: 'error', comment: 'Imports must resolve', from: {}, to: { couldNotResolve: true } },
    { name: 'no-dev-dependency', severity: 'error', comment: 'The product runs on its own dependencies', from: { path: '^src/', pathNot: '\\.test\\.ts$|/contract\\.ts$' }, to: { dependencyTypes: ['npm-dev'] } },
    only('journal', ['engine', 'observability', 'utils']),
    only('sequencer', ['engine', 'journal', 'observability', 'utils']),
    only('models', ['engine', 'observability', 'utils']),
    only('projections', ['engine', 'journal', 'sequencer', 'models', 'types', 'observability', 'utils']),
    only('feeds', ['engine', 'types', 'observability', 'utils']),
    only('services', ['engine', 'sequencer', 'models', 'projections', 'feeds', 'cache', 'config', 'types', 'observability', 'utils']),
    only('controllers', ['services', 'validators', 'middleware', 'types', 'config', 'observability', 'utils']),
    only('sockets', ['services', 'validators', 'types', 'config', 'cache', 'observability', 'utils']),
    only('validators', ['types', 'utils']),
    only('middleware', ['types', 'config', 'cache', 'validators', 'observability', 'utils']),
    only('cache', ['observability', 'utils']),
    only('types', ['engine', 'utils']),
    only('utils', []),
    only('observability', ['utils']),
    only('config', ['feeds', 'utils', 'types']),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
