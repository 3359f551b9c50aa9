/** The environment → one typed, validated, frozen object. Reads nothing else, writes nothing; bad values are all named at once. */
import { z } from 'zod';
import { PASSWORD_LENGTH } from '../types/password-length.ts';
import { AddressSet } from '../utils/addresses.ts';
import { addresses, feeds, host, integer, nodeEnv, onOff, oneOf, origins, roles, secrets, trustProxy, encryptionKeys, unsupported } from './values.ts';

/** Ends the process with status 78 (EX_CONFIG of sysexits.h). */
export const CONFIG_EXIT_STATUS = 78;

export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const MIB = 1_048_576;
const BACKUP_MARGIN_MB = 64;

const environment = z.object({
  NODE_ENV: nodeEnv,
  HOST: host.default('127.0.0.1'),
  PORT: integer(0, 65_535).default(3000),
  ROLES: roles,
  DATA_DIR: z.string().min(1).default('./data'),
  MONGODB_URI: unsupported('this version keeps its data in DATA_DIR; leave it unset'),
  REDIS_URL: unsupported('this version runs as one process; leave it unset'),
  FEEDS: feeds,
  HOUSE: onOff.default(true),
  DEPOSITS: oneOf(['simulated', 'closed']).optional(),
  ADMIN_EMAIL: z.email('must be an e-mail address').max(254).default('admin@bourse.local'),
  ADMIN_PASSWORD: z.string().min(PASSWORD_LENGTH.min, `must have at least ${PASSWORD_LENGTH.min} characters`).max(PASSWORD_LENGTH.max).optional(),
  ADMIN_IPS: addresses.default(new AddressSet(['127.0.0.0/8', '::1'])),
  JWT_SECRET: secrets.optional(),
  ENCRYPTION_KEYS: encryptionKeys.optional(),
  CORS_ORIGINS: origins.default([]),
  TRUST_PROXY: trustProxy.default(false),
  RATE_LIMITS: onOff.default(true),
  RATE_LIMIT_PER_MINUTE: integer(1, 10_000_000).default(6_000),
  LOG_LEVEL: oneOf(['error', 'warn', 'info', 'debug']).default('info'),
  MAX_CONNECTIONS: integer(1, 1_000_000).default(20_000),
  MAX_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000).default(2_000),
  DRAIN_TIMEOUT_MS: integer(0, 600_000).default(10_000),
  SHUTDOWN_DELAY_MS: integer(0, 600_000).default(0),
  SOCKET_PARSER: oneOf(['json', 'msgpack']).default('json'),
  SNAPSHOT_EVERY: integer(1, 1_000_000_000).default(500_000),
  SERVING_CPU: integer(0, 4_095).optional(),
  MIN_FREE_DISK_MB: integer(0, 1_000_000).default(64),
  BACKUP_DIR: z.string().min(1).optional(),
  BACKUP_INTERVAL_SECONDS: integer(1, 31_536_000).default(86_400),
  BACKUP_KEEP: integer(1, 10_000).default(14),
});

/** The names of all variables that are read. */
export const SETTINGS: readonly string[] = Object.keys(environment.shape);

export type Config = ReturnType<typeof parseConfig>;

/** An empty variable counts as unset. Throws ConfigError. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>) {
  const given = Object.fromEntries(SETTINGS.flatMap((name) => (env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]])));
  const result = environment.safeParse(given);
  const problems = result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (env.NODE_ENV === 'production') problems.push(...missingInProduction(given));
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  const v = result.data;
  const production = v.NODE_ENV === 'production';
  return deepFreeze({
    host: v.HOST,
    port: v.PORT,
    dataDir: v.DATA_DIR,
    feeds: v.FEEDS,
    house: v.HOUSE,
    /** Whether clients may credit themselves. */
    deposits: v.DEPOSITS ?? (production ? 'closed' : 'simulated'),
    admin: { email: v.ADMIN_EMAIL, password: v.ADMIN_PASSWORD, ips: v.ADMIN_IPS },
    /** undefined: generated into `dataDir` (secrets.ts). The first signs, all verify. */
    jwtSecrets: v.JWT_SECRET,
    encryptionKeys: v.ENCRYPTION_KEYS,
    corsOrigins: v.CORS_ORIGINS,
    trustProxy: v.TRUST_PROXY,
    rateLimits: { enabled: v.RATE_LIMITS, perMinute: v.RATE_LIMIT_PER_MINUTE },
    logLevel: v.LOG_LEVEL,
    connections: { total: v.MAX_CONNECTIONS, perAddress: v.MAX_CONNECTIONS_PER_ADDRESS },
    /** How messages of Socket.IO are encoded; clients must use the same. */
    socketParser: v.SOCKET_PARSER,
    drainTimeoutMs: v.DRAIN_TIMEOUT_MS,
    /** How long requests are still taken after the process has stopped being ready. */
    shutdownDelayMs: v.SHUTDOWN_DELAY_MS,
    /** Events between two snapshots. */
    snapshotEvery: v.SNAPSHOT_EVERY,
    /** The CPU that the serving thread has to itself; undefined: the system decides. */
    servingCpu: v.SERVING_CPU,
    /** Bytes; with less the process is not ready. */
    minFreeDisk: v.MIN_FREE_DISK_MB * MIB,
    /** undefined: none by itself. `everyMs`: between the beginnings of two; `keep`: how many stay; `minFree`: bytes that a backup leaves free, so that it makes no process unready. */
    backups: v.BACKUP_DIR === undefined ? undefined : { directory: v.BACKUP_DIR, everyMs: v.BACKUP_INTERVAL_SECONDS * 1_000, keep: v.BACKUP_KEEP, minFree: (v.MIN_FREE_DISK_MB + BACKUP_MARGIN_MB) * MIB },
  });
}

function missingInProduction(given: Readonly<Record<string, unknown>>): string[] {
  const problems = ['JWT_SECRET', 'ENCRYPTION_KEYS'].filter((name) => given[name] === undefined).map((name) => `${name}: must be given under NODE_ENV=production`);
  if (given.RATE_LIMITS === 'off') problems.push('RATE_LIMITS: cannot be off under NODE_ENV=production');
  return problems;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof AddressSet || ArrayBuffer.isView(value)) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
