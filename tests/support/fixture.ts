/** For tests: a leader on a disk in memory, with a spot market and two traders who have money. */
import type { NewOrder, Command } from '../../src/engine/commands.ts';
import type { ItemResult } from '../../src/engine/events.ts';
import type { MarketSpec } from '../../src/engine/market.ts';
import type { Reject } from '../../src/engine/reject.ts';
import type { Millis } from '../../src/engine/units.ts';
import { MemoryDisk, MemoryJournal } from './memory-journal.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Leader, type JournalClock, type LeaderOptions } from '../../src/sequencer/leader.ts';
import { noMetrics } from '../../src/sequencer/leader-metrics.ts';
import type { CommandMeta, Committed, Sequencer } from '../../src/sequencer/sequencer.ts';

export const ALICE = 2;
export const BOB = 3;

const spot: MarketSpec = {
  symbol: 'BTC-USDT', type: 'spot', base: 'BTC', quote: 'USDT', tickSize: '1', lotSize: '0.001', status: 'open', makerFee: 0, takerFee: 0,
  minQuantity: 1, maxQuantity: 0, maxMarketQuantity: 0, minNotional: 0, priceBand: 0, maxOpenOrders: 100_000, maxPosition: 0, maxLeverage: 1, riskTiers: [],
  fundingIntervalMs: 0, interestRate: 0, fundingCap: 0, impactNotional: 0, liquidationFeeRate: 0, liquidationSurplus: 'fund', house: false,
};

export const founding: readonly Command[] = [
  { type: 'create_asset', code: 'USDT', scale: 6 },
  { type: 'create_asset', code: 'BTC', scale: 8 },
  { type: 'create_market', spec: spot },
  { type: 'open_account', userId: 'alice', kind: 'user' },
  { type: 'open_account', userId: 'bob', kind: 'user' },
  ...[ALICE, BOB].flatMap((account): Command[] => [
    { type: 'deposit', account, asset: 'USDT', amount: 10 ** 14, wallet: 'spot' },
    { type: 'deposit', account, asset: 'BTC', amount: 10 ** 13, wallet: 'spot' },
  ]),
];

export async function found(sequencer: Sequencer): Promise<void> {
  for (const command of founding) await accepted(sequencer, command);
}

export class Clock implements JournalClock {
  time = Date.UTC(2024, 0, 1);
  readonly now = (): Millis => this.time;

  reach(time: Millis): void {
    this.time = Math.max(this.time, time);
  }
}

/** A leader that has been opened on `disk`, with faults and time in the test's hands. */
export function openMemoryLeader(disk: MemoryDisk, clock: JournalClock, options: Partial<LeaderOptions> = {}): Promise<Leader> {
  return Leader.open({
    openJournal: async () => new MemoryJournal(disk),
    clock,
    logger: silentLogger,
    metrics: noMetrics,
    queueLimit: 1_000,
    batchRecords: 100,
    batchChars: 1_000_000,
    appendsInFlight: 1,
    eagerRecords: 1_000,
    groupCommands: 1_000,
    idLimit: 10_000,
    schedule: queueMicrotask,
    delay: () => Promise.resolve(),
    ...options,
  });
}

/** A limit order to buy far below the other side: it rests. */
export function buy(clientOrderId = '', changes: Partial<NewOrder> = {}): NewOrder {
  return {
    market: 0, side: 'buy', type: 'limit', price: 20_000, quantity: 1, timeInForce: 'GTC', postOnly: false, reduceOnly: false,
    selfTradePrevention: 'expire_taker', clientOrderId, ...changes,
  };
}

export function place(clientOrderId = '', changes: Partial<NewOrder> = {}): Command & { readonly type: 'place_order' } {
  return { type: 'place_order', account: ALICE, order: buy(clientOrderId, changes) };
}

export async function accepted(sequencer: Sequencer, command: Command, meta?: CommandMeta): Promise<Committed> {
  const answer = await sequencer.submit(command, meta);
  if (!answer.ok) throw new Error(`${command.type} was refused: ${answer.code} ${answer.detail}`);
  return answer;
}

/** The refusal's code, or 'accepted'. */
export async function codeOf(answer: Promise<Committed | Reject>): Promise<string> {
  const settled = await answer;
  return settled.ok ? 'accepted' : settled.code;
}

/** Order ids and refusal codes of a batch. */
export function resultsOf(answer: Committed | Reject): (number | string)[] {
  if (!answer.ok) return [answer.code];
  return (answer.results ?? []).map((result: ItemResult) => (result.ok ? result.order : result.code));
}
