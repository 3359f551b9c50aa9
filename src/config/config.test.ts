import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, parseConfig } from './config.ts';
import { prepareBackupDirectory, prepareDataDirectory } from './data-directory.ts';
import { doubts } from './doubts.ts';
import { loadSecrets } from './secrets.ts';

const directory = mkdtempSync(join(tmpdir(), 'bourse-config-'));
after(() => rmSync(directory, { recursive: true }));

const SECRET = 'x'.repeat(32);
const KEY = `k1:${Buffer.alloc(32, 1).toString('base64')}`;

test('without any variable the embedded set-up comes out, frozen', () => {
  const config = parseConfig({});
  assert.deepEqual([config.host, config.port, config.deposits, config.house, config.feeds.mode], ['127.0.0.1', 3_000, 'simulated', true, 'auto']);
  assert.ok(config.admin.ips.has('127.0.0.1') && config.admin.ips.has('::1') && !config.admin.ips.has('10.0.0.1'));
  assert.throws(() => { (config as { port: number }).port = 1; }, TypeError);
  assert.throws(() => { (config.admin as { email: string }).email = ''; }, TypeError);
});

const BAD: Record<string, [Record<string, string>, RegExp]> = {
  'a port out of range': [{ PORT: '65536' }, /^PORT: must be an integer from 0 to 65535$/],
  'a port with a sign': [{ PORT: '+80' }, /^PORT: /],
  'an address out of range': [{ HOST: '999.1.1.1' }, /^HOST: is not an address/],
  'an address with a port': [{ HOST: '127.0.0.1:3000' }, /^HOST: is not an address/],
  'an unknown feed': [{ FEEDS: 'lively' }, /^FEEDS: /],
  'a day that there is not': [{ FEEDS: 'replay:data?day=2022-13-45' }, /^FEEDS: day must be/],
  'a replay at no speed': [{ FEEDS: 'replay:data@0' }, /^FEEDS: /],
  'a part of the roles': [{ ROLES: 'api,stream' }, /^ROLES: this version runs every role in one process; engine, feed/],
  'an unknown role': [{ ROLES: 'api,cook' }, /^ROLES: "cook" is not one of all, api/],
  'a switch that is neither on nor off': [{ HOUSE: 'true' }, /^HOUSE: "true" is not one of on, off$/],
  'an address that is none': [{ ADMIN_IPS: '127.0.0.1,localhost' }, /^ADMIN_IPS: localhost is not an address or CIDR range$/],
  'a prefix too long': [{ ADMIN_IPS: '10.0.0.0/33' }, /^ADMIN_IPS: 10.0.0.0\/33/],
  'any origin': [{ CORS_ORIGINS: '*' }, /^CORS_ORIGINS: \* is not an origin/],
  'the null origin': [{ CORS_ORIGINS: 'null' }, /^CORS_ORIGINS: /],
  'an origin with a path': [{ CORS_ORIGINS: 'https://a.example/' }, /^CORS_ORIGINS: /],
  'trust in everybody': [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY: /],
  'no hops': [{ TRUST_PROXY: '0' }, /^TRUST_PROXY: /],
  'a short secret': [{ JWT_SECRET: 'short' }, /^JWT_SECRET: .*at least 32 characters/],
  'a short key': [{ ENCRYPTION_KEYS: 'k1:AAAA' }, /^ENCRYPTION_KEYS: /],
  'two keys of one name': [{ ENCRYPTION_KEYS: `${KEY},${KEY}` }, /^ENCRYPTION_KEYS: must name each key once$/],
  'a database it does not have': [{ MONGODB_URI: 'mongodb://x' }, /^MONGODB_URI: this version keeps its data in DATA_DIR/],
  'an environment that is misspelt': [{ NODE_ENV: 'prod' }, /^NODE_ENV: "prod" is not one of/],
  'backups without a pause': [{ BACKUP_DIR: '/b', BACKUP_INTERVAL_SECONDS: '0' }, /^BACKUP_INTERVAL_SECONDS: must be an integer from 1 to 31536000$/],
  'no backup to keep': [{ BACKUP_DIR: '/b', BACKUP_KEEP: '0' }, /^BACKUP_KEEP: must be an integer from 1 to/],
  'no rate limits in production': [{ NODE_ENV: 'production', JWT_SECRET: SECRET, ENCRYPTION_KEYS: KEY, RATE_LIMITS: 'off' }, /^RATE_LIMITS: cannot be off/],
};
for (const [name, [env, problem]] of Object.entries(BAD)) {
  test(`the configuration is refused for ${name}`, () => {
    assert.throws(() => parseConfig(env), refusedWith(problem));
  });
}

test('all problems are named at once', () => {
  assert.throws(() => parseConfig({ PORT: 'x', HOUSE: 'x', NODE_ENV: 'production' }), (error: unknown) => {
    const names = (error as ConfigError).problems.map((problem) => problem.split(':')[0]);
    return JSON.stringify(names.sort()) === JSON.stringify(['ENCRYPTION_KEYS', 'HOUSE', 'JWT_SECRET', 'PORT']);
  });
});

test('there are no backups unless a folder is named; then a day apart, two weeks of them, and they leave more space than the process needs', () => {
  assert.equal(parseConfig({}).backups, undefined);
  assert.equal(parseConfig({ BACKUP_DIR: '', BACKUP_KEEP: '3' }).backups, undefined);
  assert.deepEqual(parseConfig({ BACKUP_DIR: '/b' }).backups, { directory: '/b', everyMs: 86_400_000, keep: 14, minFree: 134_217_728 });
  assert.deepEqual(parseConfig({ BACKUP_DIR: '/b', BACKUP_INTERVAL_SECONDS: '60', BACKUP_KEEP: '1', MIN_FREE_DISK_MB: '0' }).backups, { directory: '/b', everyMs: 60_000, keep: 1, minFree: 67_108_864 });
});

const CONNECTIONS = { connections: { total: 20_000, perAddress: 2_000 } };
const misspelt = (env: Record<string, string>): string[] => doubts(env, CONNECTIONS, Infinity);

test('fewer open files than connections and what else is open are doubted', () => {
  const message = (files: number) => `this process may have ${files} files open, and MAX_CONNECTIONS=20000 needs 20100: raise the limit (ulimit -n, LimitNOFILE), or lower MAX_CONNECTIONS`;
  assert.deepEqual(doubts({ MAX_CONNECTIONS: '20000' }, CONNECTIONS, 20_099), [message(20_099)]);
  assert.deepEqual(doubts({ MAX_CONNECTIONS: '20000' }, CONNECTIONS, 20_100), []);
  // Nobody asked for the default: a tenth of it will do.
  assert.deepEqual(doubts({}, CONNECTIONS, 2_010), []);
  assert.deepEqual(doubts({}, CONNECTIONS, 2_009), [message(2_009)]);
});

test('a variable that is nearly called like a setting is named, with the setting', () => {
  const near = { FEED: 'FEEDS', DATADIR: 'DATA_DIR', DEPOSIT: 'DEPOSITS', PORTS: 'PORT', PROT: 'PORT', ADMIN_IP: 'ADMIN_IPS', LOG_LEVL: 'LOG_LEVEL', SHAPSHOT_EVERY: 'SNAPSHOT_EVERY', CORS_ORIGIN: 'CORS_ORIGINS' };
  for (const [name, setting] of Object.entries(near)) assert.deepEqual(misspelt({ [name]: 'x' }), [`${name} is set and is no setting; was ${setting} meant?`]);
});

test('other variables are not named, nor one whose near setting is given as well', () => {
  const others = { PATH: '', HOME: '', HOSTNAME: '', USER: '', NODE: '', PWD: '', SORT: '', COST: '', MOUSE_MODE: '', npm_lifecycle_event: '', NODE_OPTIONS: '', HOST: '', ADMINS: '', DATA: '' };
  assert.deepEqual(misspelt(others), []);
  assert.deepEqual(misspelt({ FEED: 'x', FEEDS: 'manual' }), []);
});

test('how to make backups is doubted where nothing says where to', () => {
  assert.deepEqual(misspelt({ BACKUP_KEEP: '3' }), ['BACKUP_KEEP is set and BACKUP_DIR is not: no backups are made']);
  assert.deepEqual(misspelt({ BACKUP_KEEP: '3', BACKUP_DIR: '/b' }), []);
});

test('production closes deposits unless they are asked for', () => {
  const production = { NODE_ENV: 'production', JWT_SECRET: SECRET, ENCRYPTION_KEYS: KEY };
  assert.equal(parseConfig(production).deposits, 'closed');
  assert.equal(parseConfig({ ...production, DEPOSITS: 'simulated' }).deposits, 'simulated');
});

test('keys are generated once, for the owner alone, and the environment goes before them', () => {
  const dataDir = join(directory, 'fresh');
  const first = loadSecrets(parseConfig({ DATA_DIR: dataDir }));
  assert.deepEqual(loadSecrets(parseConfig({ DATA_DIR: dataDir })), first);
  assert.equal(first.jwt[0]?.length, 43);
  assert.equal(first.encryption[0]?.key.length, 32);
  assert.deepEqual([statSync(dataDir).mode & 0o777, statSync(join(dataDir, 'keys.json')).mode & 0o777], [0o700, 0o600]);
  assert.deepEqual(loadSecrets(parseConfig({ DATA_DIR: dataDir, JWT_SECRET: `${SECRET},${SECRET}2` })).jwt, [SECRET, `${SECRET}2`]);
});

test('a damaged key file is refused, not replaced', () => {
  writeFileSync(join(directory, 'keys.json'), '{"jwtSecret":');
  assert.throws(() => loadSecrets(parseConfig({ DATA_DIR: directory })), ConfigError);
});

test('a key file that is none is a bad setting too', () => {
  const dataDir = join(directory, 'odd');
  mkdirSync(join(dataDir, 'keys.json'), { recursive: true });
  assert.throws(() => loadSecrets(parseConfig({ DATA_DIR: dataDir })), refusedWith(/^DATA_DIR: .*keys\.json cannot be used \(EISDIR\): /));
});

test('the data directory is made with all above it, and nothing is left of the probe', () => {
  const path = join(directory, 'made', 'for', 'us');
  prepareDataDirectory(path);
  prepareDataDirectory(path);
  assert.deepEqual([statSync(path).mode & 0o777, readdirSync(path)], [0o700, []]);
});

test('a data directory that cannot be used is a bad setting', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  assert.throws(() => prepareDataDirectory(file), refusedWith(/^DATA_DIR: .* cannot be written \(ENOTDIR\): it is a file/));
  assert.throws(() => prepareDataDirectory(join(file, 'below')), refusedWith(/^DATA_DIR: .* \(ENOTDIR\): /));
  if (process.platform === 'linux') assert.throws(() => prepareDataDirectory('/proc/x/y'), refusedWith(/^DATA_DIR: \/proc\/x\/y cannot be written \(ENOENT\): /));
});

test('the folder of backups is made, and is a bad setting where it cannot be used or is inside of the data directory', () => {
  const data = join(directory, 'with-backups');
  prepareDataDirectory(data);
  const backups = join(directory, 'more', 'backups');
  prepareBackupDirectory(backups, data);
  assert.deepEqual([statSync(backups).mode & 0o777, readdirSync(backups)], [0o700, []]);
  for (const beside of [`${data}-backups`, join(directory, '..data')]) prepareBackupDirectory(beside, data);
  const inside = refusedWith(/^BACKUP_DIR: .* is inside of DATA_DIR and would be lost with it/);
  for (const path of [data, join(data, 'backups'), join(data, '..more')]) assert.throws(() => prepareBackupDirectory(path, data), inside);
  assert.ok(!existsSync(join(data, 'backups')));
  symlinkSync(data, join(directory, 'link'));
  assert.throws(() => prepareBackupDirectory(join(directory, 'link', 'backups'), data), inside);
  assert.throws(() => prepareBackupDirectory(join(directory, 'keys.json'), data), refusedWith(/^BACKUP_DIR: .* cannot be written \(ENOTDIR\): it is a file/));
});

test('a data directory of somebody else is a bad setting', { skip: process.platform === 'win32' }, () => {
  const path = join(directory, 'theirs');
  mkdirSync(path);
  chmodSync(path, 0o500);
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.('nobody');
  try {
    assert.throws(() => prepareDataDirectory(path), refusedWith(/^DATA_DIR: .* cannot be written \(EACCES\): /));
  } finally {
    if (root) process.seteuid?.(0);
  }
});

function refusedWith(problem: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof ConfigError && error.problems.length === 1 && problem.test(error.problems[0] ?? '');
}
