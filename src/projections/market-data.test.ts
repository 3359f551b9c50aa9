import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KLINE_INTERVALS } from '../models/klines.ts';
import { SqliteDatabase, SqliteStore } from '../models/sqlite.ts';
import { endOf } from '../journal/journal.ts';
import { decodeBody } from '../sequencer/record.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import { Random } from '../../tests/simulation/random.ts';
import type { TestJournal } from '../../tests/support/projection.ts';
import { engineAt, simulateVenue } from '../../tests/support/simulated-venue.ts';
import { CommittedCatalog } from './committed-catalog.ts';
import { type MarketData, createMarketData } from './market-data.ts';
import { OrderBooks } from './order-books.ts';
import { Projector } from './projector.ts';

const directory = mkdtempSync(join(tmpdir(), 'bourse-market-data-'));
after(() => rmSync(directory, { recursive: true }));
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

function committed(journal: TestJournal): CommittedRecord[] {
  return journal.records.map((record) => ({ seq: endOf(record), time: record.time, events: decodeBody(record).events }));
}

interface Begin {
  /** How many records were projected, how many committed when market data starts, and how many are committed while it starts. */
  readonly projected: number;
  readonly started: number;
  readonly meanwhile: number;
  /** ms from the last record to the start. */
  readonly quiet?: number;
}

/** Market data that starts in the middle of a venue's life and follows it to the end, as do the collections. */
async function follow(journal: TestJournal, { projected, started, meanwhile, quiet = 1 }: Begin): Promise<MarketData> {
  const records = committed(journal);
  const place = mkdtempSync(join(directory, 'follow-'));
  const database = new SqliteDatabase(join(place, 'projections.db'), { durable: false });
  const seqAt = (count: number): number => records[count - 1]?.seq ?? 0;
  let readable = seqAt(projected);
  const source = { lastSeq: () => journal.seq, read: (afterSeq: number, limit: number) => journal.read(afterSeq, limit).filter((record) => record.seq <= readable) };
  const projector = new Projector({ database, source });
  while (projector.step() > 0);
  const state = engineAt(journal, seqAt(started));
  const books = new OrderBooks(state);
  const listeners = new Set<(record: CommittedRecord) => void>([(record) => books.apply(record)]);
  const commit = (from: number, to: number): void => { for (const record of records.slice(from, to)) for (const listener of listeners) listener(record); };
  const data = await createMarketData({
    store: new SqliteStore(place),
    sequencer: { state, committedSeq: seqAt(started), onCommitted: (listener) => { listeners.add(listener); return () => listeners.delete(listener); } },
    projections: {
      checkpoint: projector.checkpoint,
      reached: async () => {
        commit(started, started + meanwhile);
        return false;
      },
    },
    readJournal: async (afterSeq, limit) => journal.read(afterSeq, Math.min(limit, 7)),
    books,
    clock: () => records.at(-1)!.time + quiet,
  });
  commit(started + meanwhile, records.length);
  readable = journal.seq;
  while (projector.step() > 0);
  return data;
}

async function everything(data: MarketData, symbols: readonly string[]): Promise<unknown> {
  const shown: Record<string, unknown> = { tickers: data.tickers() };
  for (const symbol of symbols) {
    shown[`${symbol} settings`] = data.settings(symbol);
    shown[`${symbol} trades`] = data.trades(symbol, 1_000);
    shown[`${symbol} stats`] = data.stats(symbol);
    for (const interval of KLINE_INTERVALS) shown[`${symbol} ${interval}`] = [await data.klines(symbol, { interval, limit: 100 }), data.kline(symbol, interval)];
  }
  return shown;
}

test(`whenever it starts, market data shows the same in the end (seed ${seed})`, async () => {
  const { journal, engine } = simulateVenue(seed, 1_500);
  const symbols = engine.markets.map((market) => market.symbol);
  const count = journal.records.length;
  const whole = await everything(await follow(journal, { projected: count, started: count, meanwhile: 0 }), symbols);
  const random = new Random(seed);
  for (let round = 0; round < 8; round++) {
    const started = random.between(0, round === 0 ? 5 : count);
    const begin = { projected: random.between(0, started), started, meanwhile: random.between(0, count - started) };
    assert.deepEqual(await everything(await follow(journal, begin), symbols), whole, JSON.stringify(begin));
  }
});

test(`a market that was quiet for longer than a day still has its candles (seed ${seed})`, async () => {
  const { journal, engine } = simulateVenue(seed, 400);
  const count = journal.records.length;
  const data = await follow(journal, { projected: count, started: count, meanwhile: 0, quiet: 25 * 3_600_000 });
  const traded = engine.markets.filter(({ symbol }) => (data.trades(symbol, 1) ?? []).length > 0);
  assert.ok(traded.length > 0);
  for (const { symbol } of traded) {
    const last = data.trades(symbol, 1)![0]!.price;
    for (const interval of KLINE_INTERVALS) assert.equal(data.kline(symbol, interval)?.[4], last, interval);
    assert.equal(data.ticker(symbol)?.count, 0);
  }
});

test(`who follows the trades of a market reads what is shown to others, oldest first (seed ${seed})`, async () => {
  const { journal, engine } = simulateVenue(seed, 400);
  const count = journal.records.length;
  const data = await follow(journal, { projected: Math.floor(count / 2), started: Math.floor((count * 2) / 3), meanwhile: 0 });
  const { listed } = new CommittedCatalog(engine);
  assert.ok(listed.some((one) => data.recentTrades(one).count > 0));
  for (const one of listed) assert.deepEqual(data.recentTrades(one).slice(0).reverse(), data.trades(one.market.symbol, 1_000));
  const uncommitted = { ...listed[0]!, market: { ...listed[0]!.market, id: listed.length } };
  assert.deepEqual(data.recentTrades(uncommitted).slice(0), []);
});

test('a symbol that is not listed has no market data', async () => {
  const { journal } = simulateVenue(seed, 0);
  const count = journal.records.length;
  const data = await follow(journal, { projected: count, started: count, meanwhile: 0 });
  assert.deepEqual([data.settings('NO-PE'), data.ticker('NO-PE'), data.stats('NO-PE'), data.trades('NO-PE', 1), data.kline('NO-PE', '1m')], Array(5).fill(undefined));
  assert.equal(await data.klines('NO-PE', { interval: '1m', limit: 1 }), undefined);
  data.close();
});
