/** docs/sockets.md names every namespace, call and event that the server has, and nothing else; its examples are what the server takes and sends. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { ACCOUNT_CHANNELS } from '../src/services/account-stream.ts';
import { ADMIN_CHANNELS } from '../src/services/admin-stream.ts';
import type { Topic } from '../src/services/topic.ts';
import { INTERVALS } from '../src/validators/market.ts';
import { newOrder, orderBatch } from '../src/validators/order.ts';
import { feedStatus, kline, liquidation, list, order, orderBook, position, publicTrade, ticker, trade, wallet } from '../src/validators/replies.ts';
import { amendCall, cancelCall, channelChoice, channelRemoval, marketSubscription, PUBLISHED_DEPTHS, subscribePrices, unsubscribePrices, type MarketSubscription } from '../src/validators/sockets.ts';
import { call, SocketWorld } from './support/socket-world.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/sockets.md'), 'utf8');
const NAMESPACES = ['/prices', '/market', '/user', '/admin'] as const;
type Namespace = (typeof NAMESPACES)[number];

/** A table's first cells, by its first heading, of one part of the page. */
function named(part: string, kind: 'call' | 'event'): string[] {
  const [, rows = ''] = new RegExp(`^\\| ${kind} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, 'm').exec(part) ?? [];
  return Array.from(rows.matchAll(/^\| `([^`]+)` \|/gm), ([, name]) => name as string);
}

/** Lines `name JSON` of one part, in order. */
function examples(part: string): { readonly name: string; readonly value: unknown }[] {
  return Array.from(part.matchAll(/^([\w:]+) ([[{].*)$/gm), ([, name, json]) => ({ name: name as string, value: JSON.parse(json as string) as unknown }));
}

function partOf(namespace: Namespace): string {
  const start = PAGE.indexOf(`\n## \`${namespace}\`\n`);
  assert.ok(start >= 0, `there is a part on ${namespace}`);
  return PAGE.slice(start + 1, PAGE.indexOf('\n## ', start + 1) + 1);
}

const publicLiquidation = liquidation.omit({ userId: true });
const seq = z.int();

/** By the validators that the calls have. */
const CALLS: Record<Namespace, Readonly<Record<string, z.ZodType>>> = {
  '/prices': { subscribe: subscribePrices, unsubscribe: unsubscribePrices },
  '/market': { subscribe: marketSubscription, unsubscribe: marketSubscription },
  '/user': { 'order:place': newOrder, 'order:amend': amendCall, 'order:cancel': cancelCall, 'orders:batch': orderBatch, subscribe: channelChoice(ACCOUNT_CHANNELS), unsubscribe: channelRemoval(ACCOUNT_CHANNELS) },
  '/admin': { subscribe: channelChoice(ADMIN_CHANNELS), unsubscribe: channelRemoval(ADMIN_CHANNELS) },
};
const EVENTS: Record<Namespace, Readonly<Record<string, z.ZodType>>> = {
  '/prices': { prices: list(z.strictObject({ symbol: z.string(), index: z.string().nullable(), mark: z.string().nullable(), last: z.string().nullable(), ts: z.int() })) },
  '/market': {
    orderbook: orderBook.extend({ prevSeq: seq }).strict(),
    trades: z.strictObject({ symbol: z.string(), seq, trades: list(publicTrade.strict()) }),
    ticker: ticker.extend({ seq }).strict(),
    kline: z.strictObject({ symbol: z.string(), interval: z.enum(INTERVALS), kline: kline.nullable(), seq }),
    liquidations: z.strictObject({ symbol: z.string(), seq, liquidations: list(publicLiquidation.strict()) }),
  },
  '/user': {
    ready: z.strictObject({ seq, recovered: z.boolean() }),
    order: order.omit({ fills: true }).strict(),
    fill: trade.strict(),
    position: position.strict(),
    balance: wallet.strict(),
    marginCall: z.strictObject({ seq, symbol: z.string(), status: z.enum(['called', 'cleared']), markPrice: z.string(), marginRatio: z.string().nullable(), timestamp: z.int() }),
    liquidation: liquidation.strict(),
    funding: z.strictObject({ seq, symbol: z.string(), side: z.enum(['long', 'short']), quantity: z.string(), rate: z.string(), markPrice: z.string(), amount: z.string(), asset: z.string(), timestamp: z.int() }),
  },
  '/admin': {
    metrics: list(z.strictObject({ name: z.string(), help: z.string(), type: z.string(), values: z.array(z.object({})), aggregator: z.string() })),
    health: list(z.strictObject({ name: z.string(), required: z.boolean(), ok: z.boolean(), detail: z.string(), ms: z.int() })),
    feeds: feedStatus.strict(),
    liquidations: list(liquidation.strict()),
    alerts: list(z.strictObject({ level: z.enum(['info', 'warning', 'critical']), kind: z.string(), message: z.string(), symbol: z.string().optional(), timestamp: z.int() })),
  },
};

test('every namespace has its part, and every part is of a namespace', async (t) => {
  assert.deepEqual(Array.from(PAGE.matchAll(/^## `([^`]+)`$/gm), ([, name]) => name), [...NAMESPACES]);
  const world = await SocketWorld.during(t);
  for (const namespace of NAMESPACES) await world.connect(namespace, { auth: { token: 'root' } });
  await assert.rejects(world.connect('/', { reconnection: false }), { code: 'NOT_FOUND', message: `choose ${NAMESPACES.slice(0, 3).join(', ')} or /admin` });
});

test('the calls of each namespace are those that the server knows', async (t) => {
  const world = await SocketWorld.during(t);
  for (const namespace of NAMESPACES) {
    const socket = await world.connect(namespace, { auth: { token: 'root' } });
    // A call that there is not is answered with those that there are.
    const { error } = await call(socket, 'nonsense', {});
    const known = error?.message.replace('there is no such call here; there are ', '').split(', ');
    assert.deepEqual(named(partOf(namespace), 'call').sort(), known?.sort(), namespace);
    assert.deepEqual(Object.keys(CALLS[namespace]).sort(), known?.sort(), namespace);
  }
});

test('the events of each namespace are those that the server sends', async (t) => {
  const world = await SocketWorld.during(t);
  const symbol = 'BTC-USDT';
  const topics: Record<MarketSubscription['channel'], Topic> = {
    orderbook: world.market.orderBook(symbol, 5), trades: world.market.trades(symbol), ticker: world.market.ticker(symbol), kline: world.market.kline(symbol, '1m'), liquidations: world.market.liquidations(symbol),
  };
  const sent: Record<Namespace, readonly string[]> = {
    '/prices': [world.market.prices([symbol]).event],
    '/market': Object.values(topics).map(({ event }) => event),
    '/user': ['ready', ...ACCOUNT_CHANNELS],
    '/admin': ADMIN_CHANNELS.map((channel) => world.admin.topic(channel).event),
  };
  for (const namespace of NAMESPACES) {
    assert.deepEqual(named(partOf(namespace), 'event'), sent[namespace], namespace);
    assert.deepEqual(Object.keys(EVENTS[namespace]), sent[namespace], namespace);
  }
  // Those that are sent by name.
  const source = globSync('src/sockets/*.ts', { cwd: ROOT }).filter((file) => !file.endsWith('.test.ts')).map((file) => readFileSync(join(ROOT, file), 'utf8')).join('');
  const byName = new Set(Array.from(source.matchAll(/(?:socket|nsp)\.emit\('([^']+)'/g), ([, name]) => name as string));
  assert.deepEqual([...byName].sort(), ['closing', 'prices', 'ready']);
  assert.deepEqual(named(PAGE.slice(PAGE.indexOf('\n## When a connection ends')), 'event'), ['closing']);
});

test('the examples are taken by the validators of their calls, and have the form of what is sent', () => {
  for (const namespace of NAMESPACES) {
    const part = partOf(namespace);
    const [calls, events] = [part.slice(0, part.indexOf('| event |')), part.slice(part.indexOf('| event |'))];
    for (const [shown, schemas] of [[examples(calls), CALLS[namespace]], [examples(events), EVENTS[namespace]]] as const) {
      assert.deepEqual(new Set(shown.map(({ name }) => name)), new Set(Object.keys(schemas)), `${namespace} has an example of each`);
      for (const { name, value } of shown) assert.equal(schemas[name]?.safeParse(value).error?.message, undefined, `${namespace} ${name}`);
    }
  }
});

test('what may be chosen is all there', () => {
  assert.ok(PAGE.includes(`Intervals: ${INTERVALS.join(', ')}.`));
  assert.ok(PAGE.includes(`Depths: ${PUBLISHED_DEPTHS.join(', ')} (the default)`));
});
