/**
 * Which folder of `src/` may import which, which packages, and what of the world outside the process it may touch: the import rules
 * (`.dependency-cruiser.cjs`) are made of this, and docs/architecture.md shows it. What is not here is forbidden. Tests are free.
 */

/** Node's modules by what they reach. All others (crypto, path, zlib …) reach nothing, and are free to all but the engine. */
export const REACHES = {
  files: ['fs', 'fs/promises'],
  sqlite: ['sqlite'],
  threads: ['worker_threads', 'child_process', 'cluster'],
  network: ['net', 'http', 'https', 'http2', 'tls', 'dgram', 'dns', 'dns/promises'],
} as const;

export type Reach = keyof typeof REACHES;

export interface Layer {
  readonly folders: readonly string[];
  readonly packages: readonly string[];
  readonly reaches: readonly Reach[];
}

/** In the order of the flow: from the core to what is nearest to the clients. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  engine: { folders: [], packages: [], reaches: [] },
  journal: { folders: ['engine', 'observability', 'utils'], packages: [], reaches: ['files', 'sqlite', 'threads'] },
  backup: { folders: ['engine', 'journal', 'observability', 'utils'], packages: [], reaches: ['files', 'sqlite', 'threads'] },
  sequencer: { folders: ['engine', 'journal', 'observability', 'utils'], packages: [], reaches: ['threads'] },
  models: { folders: ['types', 'utils'], packages: ['lru-cache'], reaches: ['files', 'sqlite', 'threads'] },
  projections: { folders: ['engine', 'journal', 'sequencer', 'models', 'types', 'observability', 'utils'], packages: ['lru-cache'], reaches: ['threads'] },
  feeds: { folders: ['observability', 'utils'], packages: ['ccxt', 'opossum'], reaches: ['files'] },
  services: {
    folders: ['engine', 'sequencer', 'models', 'projections', 'feeds', 'cache', 'types', 'observability', 'utils'],
    packages: ['@node-rs/argon2', 'jsonwebtoken', 'lru-cache'],
    reaches: ['files'],
  },
  controllers: { folders: ['services', 'validators', 'types', 'observability', 'utils'], packages: ['zod'], reaches: [] },
  sockets: {
    folders: ['services', 'validators', 'types', 'observability', 'utils'],
    packages: ['socket.io', 'socket.io-adapter', 'socket.io-msgpack-parser', 'zod'],
    reaches: ['network'],
  },
  binance: { folders: ['services', 'validators', 'types', 'observability', 'utils'], packages: ['zod'], reaches: [] },
  graphql: { folders: ['services', 'validators', 'types', 'observability', 'utils'], packages: ['zod'], reaches: [] },
  validators: { folders: ['types', 'utils'], packages: ['zod'], reaches: [] },
  middleware: {
    folders: ['validators', 'cache', 'types', 'observability', 'utils'],
    packages: ['compression', 'cors', 'express', 'helmet', 'lru-cache', 'rate-limiter-flexible', 'zod'],
    reaches: ['network'],
  },
  http: { folders: ['middleware', 'config', 'types', 'observability', 'utils'], packages: ['express'], reaches: ['files', 'network'] },
  cache: { folders: ['observability', 'utils'], packages: ['lru-cache'], reaches: [] },
  config: { folders: ['feeds', 'types', 'utils'], packages: ['zod'], reaches: ['files', 'network'] },
  process: { folders: ['config', 'observability', 'utils'], packages: [], reaches: ['threads'] },
  types: { folders: ['engine', 'utils'], packages: ['zod'], reaches: [] },
  observability: { folders: ['utils'], packages: ['prom-client', 'winston', 'winston-daily-rotate-file'], reaches: ['files', 'threads'] },
  utils: { folders: [], packages: [], reaches: ['files', 'threads', 'network'] },
};
