/** What the documentation names is there: files and folders in backticks, links between pages, and the customer's names where the table of names says. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const PAGES = globSync(['README.md', 'docs/**/*.md'], { cwd: ROOT }).sort();
/** Made while running, or somebody's own. */
const NOT_HERE = new Set(['logs/', 'snapshots/', 'test-output/replay/']);

/** `feeds/symbols.ts`, `middleware/`; not a bare file name, which says where it is in the sentence around it. */
const PATH = /`([\w.-]+(?:\/[\w.-]+)*\/|(?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|json|md|cjs|yml|service))`/g;
const LINK = /\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g;

for (const page of PAGES) {
  const text = readFileSync(join(ROOT, page), 'utf8');

  test(`${page}: the files and folders it names exist`, () => {
    const missing = Array.from(text.matchAll(PATH), ([, path]) => path!)
      .filter((path) => !NOT_HERE.has(path) && ![ROOT, join(ROOT, 'src'), join(ROOT, dirname(page))].some((base) => existsSync(join(base, path))));
    assert.deepEqual(missing, []);
  });

  test(`${page}: its links lead somewhere`, () => {
    const missing = Array.from(text.matchAll(LINK), ([, path]) => path!).filter((path) => !existsSync(join(ROOT, dirname(page), path)));
    assert.deepEqual(missing, []);
  });
}

/** Of the platform's architecture document: what an operator or a developer who has read it looks for. */
const NAMES = [
  'API Server', 'WebSocket Server', 'Service Layer', 'Auth Service', 'Order Service', 'Market Service', 'Position Service', 'Wallet Service', 'Liquidation Engine', 'Price Feed Service', 'Risk Management',
  'MongoDB (Primary)', 'Redis (Cache)', 'helmet', 'cors', 'compression', 'express.json', 'mongoSanitize', 'rateLimiter', 'authentication', 'authorization', 'validation',
  '/prices', '/user', '/admin', '/market', 'users', 'orders', 'positions', 'trades', 'markets', 'wallets', 'priceticks', 'liquidations', 'auditlogs', 'sessions',
  'user:session:{userId}', 'rate:limit:{ip}', 'cache:market:{symbol}', 'cache:orderbook:{symbol}', 'ws:room:{roomId}',
  'Order Execution Flow', 'Validation Layer', 'Auth Check', 'Balance Check', 'Risk Check', 'Order Creation', 'Position Update', 'Balance Update', 'Event Broadcasting', 'Response',
  'Price Update Flow', 'Exchange APIs', 'Price Aggregator', 'Validation & Normalization', 'Database Storage', 'Cache Update', 'WebSocket Broadcast', 'Position Mark-to-Market', 'Liquidation Check',
  'Liquidation Flow', 'Position Scan', 'Margin Calculation', 'Liquidation Trigger', 'Position Closure', 'Fee Collection', 'Insurance Fund Update', 'Event Notification',
  'JWT Validation', 'User Context', 'Role Check', 'IP whitelisting (admin)', 'SQL/NoSQL injection prevention', 'XSS protection', 'CSRF tokens', 'Encryption at rest', 'Encryption in transit', 'Field-level encryption',
  'Application Cache', 'CDN Cache', 'TTL-based expiration', 'Event-based invalidation', 'Cache warming on startup', 'Read preference routing', 'Sharding by userId', 'Bulk write operations', 'Async write queues',
  'Connection pooling', 'Transaction batching', 'Field filtering', 'Cursor-based pagination', 'Job queues', 'Heartbeat mechanism', 'Automatic reconnection', 'Binary protocols', 'Message compression', 'Batch updates',
  'Room-based broadcasting', 'Selective updates', 'Rate limiting per connection', 'API response times', 'WebSocket connections', 'Database query performance', 'Cache hit rates', 'Error rates', 'Business metrics',
  'Prometheus Exporter', 'Prometheus Server', 'Grafana Dashboard', 'Winston', 'Log Files', 'Console Output', 'Liveness probe', 'Readiness probe', 'Dependency checks', 'Daily automated backups', 'Point-in-time recovery',
  'Cross-region replication', 'Automatic restart', 'Circuit breakers', 'Replica set automatic failover', 'Repository Pattern', 'Factory Pattern', 'Observer Pattern', 'Singleton Pattern', 'Event Sourcing',
  'Event store implementation', 'CQRS pattern', 'Event replay capability', 'Microservices Migration', 'GraphQL API', 'Machine Learning', 'Blockchain Integration',
];

describe('the table of names', () => {
  const section = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8').split(/^## Names$/m)[1] ?? '';
  const rows = Array.from(section.matchAll(/^\| ([^|]+) \| ([^|]*)\| ([^|]*)\|$/gm), ([, name = '', where = '', as = '']) => ({ name, files: inCode(where), where: where.trim(), as: as.trim() })).slice(1);

  test('has every name', () => {
    const all = rows.map(({ name }) => name).join('\n');
    assert.deepEqual(NAMES.filter((name) => !all.includes(name)), []);
  });

  test('leads to files that are there, and to what stands in them', () => {
    for (const { name, files, where, as } of rows.filter((row) => row.as !== '')) {
      if (where === '–') assert.match(as, /^not yet/, name);
      else assert.ok(files.length > 0, `${name} is nowhere`);
      const texts = files.map(textOf).join('\n');
      for (const word of inCode(as)) {
        // The code gives the prefix once.
        const found = where === '–' || texts.includes(word.replace(/^bourse_/, '')) || existsSync(join(ROOT, word));
        assert.ok(found, `${name}: ${word} is not in ${files.join(', ')}`);
      }
    }
  });

  test('says of each collection how it is found and how long it lives, as its definition has it', () => {
    const collections = new Map(rows.filter(({ files }) => files.some((file) => file.startsWith('models/') && !file.endsWith('sqlite.ts'))).map((row) => [row.name, row]));
    for (const name of ['users', 'orders', 'positions', 'trades', 'markets', 'wallets', 'priceticks', 'liquidations', 'auditlogs', 'sessions']) {
      const text = textOf(`models/${name}.ts`);
      assert.match(text, new RegExp(`name: '${name}'`), name);
      assert.equal(/\bttl:/.test(text), collections.get(name)?.as.includes('lives') ?? false, `how long ${name} lives`);
    }
  });
});

function inCode(cell: string): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, word]) => word as string);
}

/** Of a file, or of all files in a folder, below `src/` or the root. */
function textOf(path: string): string {
  const full = [join(ROOT, 'src', path), join(ROOT, path)].find((candidate) => existsSync(candidate));
  assert.ok(full !== undefined, `${path} is not there`);
  const files = statSync(full).isDirectory() ? globSync('**/*.ts', { cwd: full }).map((file) => join(full, file)) : [full];
  return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}

test('there are pages to check', () => assert.ok(PAGES.length > 10, PAGES.join(' ')));
