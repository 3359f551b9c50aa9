/** What holds beyond single routes: lists that page while rows arrive, caching, rate limits, probes, metrics that move, and documentation that names every route. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Venue, type User } from '../support/contract.ts';
import { defects } from '../support/openapi.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { eventually } from '../support/wait.ts';

const SPOT = 'BTC-USDT';
const PERP = 'BTC-USDT-PERP';
const JWT_SECRET = 'a secret of these tests that is long enough';

const REQUESTS = 'bourse_http_request_seconds_count';
const PLACED = 'route="/api/v1/orders",status="201"';

type Doc = Readonly<Record<string, unknown>>;

/** Sums of the samples of each metric, by name. */
async function metricsOf(url: string): Promise<{ readonly text: string; readonly sum: (name: string, label?: string) => number }> {
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  const sum = (name: string, label = ''): number => {
    const lines = text.split('\n').filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(label));
    assert.ok(lines.length > 0 || label !== '', `${name} is not there`);
    return lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  };
  return { text, sum };
}

describe('lists, caching, probes, metrics', () => {
  let server: ServerProcess;
  let venue: Venue;
  let ann: User;
  let bob: User;
  let admin: User;

  const buy = (price: string, more: Doc = {}): Doc => ({ symbol: SPOT, side: 'buy', type: 'limit', price, quantity: '0.001', ...more });

  before(async () => {
    server = await startServer({ env: { JWT_SECRET } });
    venue = await Venue.at(server.url);
    admin = await venue.admin();
    ann = await venue.register('ann');
    bob = await venue.register('bob');
    await ann.post('/wallets/deposits', { asset: 'USDT', amount: '1000000' });
    await bob.post('/wallets/deposits', { asset: 'BTC', amount: '100' });
  });
  after(() => server.dispose());

  test('lists page by cursor without gaps or doubles while rows arrive, by offset, newest first', async () => {
    await bob.post('/orders', { ...buy('20000'), side: 'sell', quantity: '0.03' });
    const fill = async (): Promise<void> => {
      await ann.post('/orders', buy('20000'));
    };
    for (let i = 0; i < 12; i++) await fill();
    const lists: readonly (readonly [User, string, string])[] = [
      [ann, '/orders', 'id'], [ann, `/orders?status=filled&symbol=${SPOT}`, 'id'], [ann, '/trades', 'id'], [bob, `/trades?symbol=${SPOT}`, 'id'],
      [ann, '/wallets/transactions', 'id'], [venue.nobody, `/markets/${SPOT}/trades`, 'id'], [venue.nobody, '/markets', 'symbol'], [venue.nobody, '/markets/tickers', 'symbol'],
      [admin, '/admin/audit-logs', 'id'], [admin, '/admin/users', 'id'], [admin, '/admin/assets', 'asset'],
    ];
    const arriving = ['/orders', '/trades', '/wallets/transactions', `/trades?symbol=${SPOT}`, `/markets/${SPOT}/trades`];
    for (const [user, path, key] of lists) {
      const at = (query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`;
      const all = (await user.get<Doc[]>(at('limit=500'))).map((row) => row[key]);
      assert.equal(new Set(all).size, all.length, path);
      const size = all.length > 6 ? 3 : 1;
      const paged: unknown[] = [];
      let cursor: string | undefined;
      let pages = 0;
      do {
        const page = await user.expect<Doc[]>('GET', at(`limit=${size}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`), 200);
        assert.ok(page.data.length === size || page.meta?.nextCursor === undefined, `${path}: a page is full, or the last`);
        paged.push(...page.data.map((row) => row[key]));
        cursor = page.meta?.nextCursor;
        if (++pages <= 2 && arriving.includes(path)) await fill();
      } while (cursor !== undefined && pages < 200);
      assert.ok(pages > 2, `${path} has ${pages} pages`);
      assert.deepEqual(paged, all, path);
      assert.deepEqual((await user.get<Doc[]>(at('limit=2&offset=1'))).length, Math.min(2, all.length - 1), path);
      const [picked] = await user.get<Doc[]>(at(`limit=1&fields=${key}`));
      assert.deepEqual(Object.keys(picked ?? {}), [key], path);
      for (const bad of ['limit=0', 'limit=501', 'limit=x', 'limit=1&limit=2', 'cursor=%00', 'cursor=eyJ9', 'offset=-1', 'fields=secret', 'fields=__proto__', 'nonsense=1']) await user.refuse('GET', at(bad), 400, 'VALIDATION_FAILED');
    }
    const rows = await ann.get<{ seq: number; createdAt: number }[]>('/orders?limit=500');
    assert.ok(rows.every((row, i) => i === 0 || row.createdAt <= (rows[i - 1] as { createdAt: number }).createdAt), 'newest first');
    const middle = rows[5]?.createdAt as number;
    assert.ok((await ann.get<{ createdAt: number }[]>(`/orders?from=${middle}`)).every(({ createdAt }) => createdAt >= middle));
    assert.ok((await ann.get<{ createdAt: number }[]>(`/orders?to=${middle}`)).every(({ createdAt }) => createdAt <= middle));
    const { meta } = await ann.expect('GET', '/orders?limit=1', 200);
    await ann.refuse('GET', `/trades?cursor=${meta?.nextCursor}`, 400, 'VALIDATION_FAILED');
    await ann.refuse('GET', `/orders?cursor=${meta?.nextCursor}&offset=1`, 400, 'VALIDATION_FAILED');
  });

  test('the default page has 50 rows', async () => {
    const orders = Array.from({ length: 50 }, () => buy('1000', { quantity: '0.01' }));
    await ann.expect('POST', '/orders/batch', 200, { body: { orders } });
    const page = await ann.expect<Doc[]>('GET', '/orders', 200);
    assert.equal(page.data.length, 50);
    assert.ok(page.meta?.nextCursor !== undefined);
    await ann.expect('DELETE', '/orders', 200);
  });

  test('public market data may be kept and confirmed; private replies may not', async () => {
    await admin.post('/admin/prices', { prices: [{ symbol: PERP, index: '20000', mark: '20000' }] }, 200);
    const paths = ['/markets', `/markets/${SPOT}`, `/markets/${SPOT}/ticker`, '/markets/tickers', `/markets/${SPOT}/stats`, `/markets/${SPOT}/orderbook`, `/markets/${SPOT}/trades`, `/markets/${SPOT}/klines?interval=1d`, `/markets/${PERP}/prices`, `/markets/${PERP}/funding`, '/insurance-fund'];
    for (const path of paths) {
      const { headers } = await venue.nobody.expect('GET', path, 200);
      assert.match(headers.get('cache-control') ?? '', /^public, max-age=\d+$/, path);
      assert.match(headers.get('etag') ?? '', /^(?:W\/)?"[^"]+"$/, path);
    }
    const { headers } = await venue.nobody.expect('GET', '/markets', 200);
    const tag = headers.get('etag') as string;
    const same = await venue.nobody.expect('GET', '/markets', 304, { headers: { 'if-none-match': `"other", ${tag}` } });
    assert.deepEqual([same.text, same.headers.get('etag')], ['', tag]);
    await venue.nobody.expect('GET', '/markets', 200, { headers: { 'if-none-match': '"other"' } });
    for (const path of ['/orders', '/wallets', '/auth/me']) assert.equal((await ann.expect('GET', path, 200)).headers.get('cache-control'), 'no-store', path);
  });

  test('a token that has expired says so', async () => {
    const [head, claims] = (ann.token as string).split('.') as [string, string];
    const fields = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iat: number; exp: number };
    const signed = (payload: object): string => {
      const text = `${head}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
      return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`;
    };
    const ask = (token: string): Promise<unknown> => venue.nobody.refuse('GET', '/auth/me', 401, 'TOKEN_EXPIRED', { headers: { authorization: `Bearer ${token}` } });
    await venue.nobody.expect('GET', '/auth/me', 200, { headers: { authorization: `Bearer ${signed(fields)}` } });
    await ask(signed({ ...fields, iat: fields.iat - 7_200, nbf: fields.iat - 7_200, exp: fields.iat - 3_600 }));
  });

  test('probes answer', async () => {
    const health = async (path: string): Promise<[number, Doc]> => {
      const response = await fetch(`${server.url}/health/${path}`);
      assert.ok(response.headers.get('x-request-id'));
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
      return [response.status, (await response.json()) as Doc];
    };
    assert.equal((await health('live'))[0], 200);
    assert.deepEqual((await health('ready'))[0], 200);
    // A price has been set; what was found out a moment before is told for a while.
    const found = await eventually('the feeds are found well', async () => {
      const [status, { dependencies }] = await health('dependencies');
      assert.equal(status, 200);
      const all = dependencies as { name: string; ok: boolean }[];
      return all.every(({ ok }) => ok) ? all.map(({ name }) => name) : undefined;
    });
    assert.deepEqual(found, ['engine', 'store', 'projections', 'disk', 'feeds']);
  });

  test('metrics are of the types that their names promise, and counters with known labels begin at 0', async () => {
    const fresh = await startServer();
    try {
      const { text } = await metricsOf(fresh.url);
      for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) assert.equal(name?.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
      assert.match(text, new RegExp(`^bourse_build_info\\{version="\\d[^"]*",node="${process.version}"\\} 1$`, 'm'));
      for (const series of ['errors_total{code="INTERNAL"}', 'rate_limited_total{limit="address"}', 'rate_limited_total{limit="sign_in_account"}', 'rate_limited_total{limit="socket_messages"}',
        `trades_total{symbol="${SPOT}"}`, `trade_volume_quote_total{symbol="${SPOT}"}`, `liquidations_total{symbol="${PERP}"}`, 'socket_conflated_total{namespace="/market"}', 'socket_messages_total{namespace="/user",event="fill"}',
        'audit_failures_total', 'engine_events_total']) {
        const [, value] = text.split('\n').find((line) => line.startsWith(`bourse_${series} `))?.split(' ') ?? [];
        assert.ok(series === 'engine_events_total' ? Number(value) > 0 : value === '0', `${series} is ${value}`);
      }
    } finally {
      await fresh.dispose();
    }
  });

  test('metrics are there and move', async () => {
    await bob.expect('DELETE', '/orders', 200);
    const before = await metricsOf(server.url);
    await bob.post('/orders', { ...buy('21000'), side: 'sell', quantity: '0.002' });
    await ann.post('/orders', buy('21000', { quantity: '0.002' }));
    await ann.refuse('POST', '/orders', 422, 'INVALID_TICK', { body: buy('21000.01') });
    await venue.nobody.expect('GET', `/markets/${SPOT}`, 200);
    const after = await eventually('the metrics move', async () => {
      const now = await metricsOf(server.url);
      return now.sum(REQUESTS, PLACED) >= before.sum(REQUESTS, PLACED) + 2 ? now : undefined;
    });
    const rise = (name: string, label = ''): number => after.sum(name, label) - before.sum(name, label);
    assert.equal(rise('bourse_trades_total', SPOT), 1);
    assert.equal(rise('bourse_trade_volume_quote_total', SPOT), 42);
    assert.equal(rise('bourse_errors_total', 'INVALID_TICK') >= 1, true);
    assert.equal(rise(REQUESTS, PLACED), 2);
    assert.equal(rise('bourse_engine_commands_total', 'place_order') >= 2, true);
    assert.ok(rise('bourse_engine_events_total') >= 3 && rise('bourse_committed_seq') >= 3 && rise('bourse_journal_commit_seconds_count') >= 2);
    assert.ok(rise('bourse_cache_hits_total') >= 1);
    for (const name of ['bourse_sequencer_queue_depth', 'bourse_projection_lag_events', 'bourse_engine_seq', 'bourse_open_orders', 'bourse_accounts', 'bourse_process_cpu_seconds_total']) assert.ok(after.sum(name) >= 0, name);
    for (const name of ['bourse_sockets', 'bourse_feed_healthy', 'bourse_feed_ticks_total', 'bourse_ledger_imbalance']) assert.match(after.text, new RegExp(`^# TYPE ${name} `, 'm'));
  });

  test('the OpenAPI document is sound and names every route of the contract', async () => {
    const { document } = venue;
    assert.match(document.openapi, /^3\.1\./);
    assert.deepEqual(defects(document as unknown as Doc), []);
    const routes = `POST /auth/register, POST /auth/login, POST /auth/refresh, POST /auth/logout, GET /auth/me, GET /auth/sessions, DELETE /auth/sessions/:id, POST /auth/password,
      GET /markets, GET /markets/:symbol, GET /markets/:symbol/ticker, GET /markets/tickers, GET /markets/:symbol/stats, GET /markets/:symbol/orderbook, GET /markets/:symbol/trades,
      GET /markets/:symbol/klines, GET /markets/:symbol/prices, GET /markets/:symbol/funding, POST /orders, POST /orders/batch, DELETE /orders/batch, GET /orders, GET /orders/:id,
      PATCH /orders/:id, DELETE /orders/:id, DELETE /orders, PUT /orders/cancel-after, GET /trades, GET /positions, GET /positions/:symbol, POST /positions/:symbol/close,
      PUT /positions/:symbol/leverage, PUT /positions/:symbol/margin-mode, POST /positions/:symbol/margin, GET /wallets, GET /wallets/:asset, GET /wallets/transactions,
      POST /wallets/transfers, POST /wallets/deposits, GET /risk/summary, GET /liquidations, GET /insurance-fund, GET /admin/assets, POST /admin/assets, GET /admin/markets,
      POST /admin/markets, PATCH /admin/markets/:symbol, POST /admin/prices, GET /admin/users, GET /admin/audit-logs, GET /admin/feeds, GET /admin/ledger/audit`;
    for (const route of routes.split(',').map((text) => text.trim())) {
      const [method, path] = route.split(' ') as [string, string];
      assert.ok(document.paths[`/api/v1${path.replace(/:(\w+)/g, '{$1}')}`]?.[method.toLowerCase()] !== undefined, route);
    }
    for (const path of ['/health/live', '/health/ready', '/health/dependencies', '/metrics', '/openapi.json', '/docs']) assert.ok(document.paths[path]?.['get'] !== undefined, path);
  });
});

test('requests beyond the limit are told when to come back', async () => {
  const server = await startServer({ env: { RATE_LIMITS: 'on', RATE_LIMIT_PER_MINUTE: '20' } });
  try {
    const venue = await Venue.at(server.url);
    const first = await venue.nobody.expect('GET', '/markets', 200);
    assert.equal(first.headers.get('ratelimit-policy'), '"address";q=20;w=60');
    const left = /^"address";r=(\d+);t=(\d+)$/.exec(first.headers.get('ratelimit') ?? '');
    assert.ok(left !== null && Number(left[1]) < 20 && Number(left[2]) <= 60);
    for (let i = Number(left?.[1]); i > 0; i--) await venue.nobody.expect('GET', '/markets', 200);
    for (const path of ['/markets', '/orders', '/nothing']) {
      const { problem, headers, status } = await venue.nobody.ask('GET', path);
      assert.deepEqual([status, problem?.code], [429, 'RATE_LIMITED']);
      assert.match(headers.get('retry-after') ?? '', /^[1-9]\d?$/);
      assert.match(headers.get('ratelimit') ?? '', /^"address";r=0;t=\d+$/);
    }
    assert.equal((await fetch(`${server.url}/health/live`)).status, 200, 'probes are not limited');
  } finally {
    await server.dispose();
  }
});
