/** What the API answers with, for the documentation; the compiler holds the services to it through `route`. */
import { z } from 'zod';
import { CLOSE_REASONS } from '../types/close-reasons.ts';
import { MARKET_STATUSES, SAFETIES } from '../types/market-status.ts';

const text = z.string();
/** A decimal string. */
const amount = z.string().meta({ format: 'decimal', examples: ['0.5'] });
const time = z.int().meta({ description: 'ms since the epoch, UTC' });
const second = time.meta({ description: 'ms since the epoch, UTC, down to the second' });
const seq = z.int().meta({ description: 'seq of the last event that it reflects' });
const side = z.enum(['buy', 'sell']);
/** Of a reply that lists things. */
export const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

export const trade = z.object({
  id: text,
  orderId: text.nullable(),
  symbol: text,
  side,
  role: z.enum(['maker', 'taker']),
  price: amount,
  quantity: amount,
  quoteQuantity: amount,
  fee: amount,
  feeAsset: text,
  realizedPnl: amount.optional(),
  timestamp: time,
  seq,
});

export const publicTrade = trade.pick({ id: true, symbol: true, side: true, price: true, quantity: true, quoteQuantity: true, timestamp: true, seq: true });

const closeReason = z.enum(CLOSE_REASONS).meta({
  description: 'why it was canceled (by its `user`, an `admin`, the `dead_man_switch`, as a `self_trade`, in a `liquidation`; `reduce_only`: the position that it would have reduced has gone; `insufficient_margin`: '
    + 'the wallet cannot carry its next fill; `position_limit`: with that the position would be larger than the market, or its leverage there, allows) or expired '
    + '(`immediate_or_cancel`, `market_order`: nothing is left to trade with at its price, or within the price band)',
});

export const order = z.object({
  id: text,
  clientOrderId: text.nullable(),
  symbol: text,
  side,
  type: z.enum(['limit', 'market']),
  status: z.enum(['new', 'partially_filled', 'filled', 'canceled', 'expired']),
  price: amount.nullable(),
  stopPrice: amount.nullable(),
  quantity: amount,
  filledQuantity: amount,
  remainingQuantity: amount,
  averagePrice: amount.nullable(),
  timeInForce: z.enum(['GTC', 'IOC', 'FOK']),
  postOnly: z.boolean(),
  reduceOnly: z.boolean(),
  selfTradePrevention: z.enum(['expire_taker', 'expire_maker', 'expire_both', 'none']),
  fee: amount,
  feeAsset: text,
  closeReason: closeReason.optional(),
  createdAt: time,
  updatedAt: time,
  seq,
  fills: list(trade).optional(),
});

export const batchResult = z.object({
  status: z.int().meta({ description: 'what the item alone would have answered with, 201 for a placed order' }),
  order: order.optional(),
  error: z.object({ code: text, detail: text }).optional(),
});

export const canceled = z.object({ canceled: z.int(), ids: list(text) });
export const deadManSwitch = z.object({ symbol: text.nullable(), timeoutMs: z.int(), deadline: time.nullable() });

export const position = z.object({
  symbol: text,
  side: z.enum(['long', 'short']),
  quantity: amount,
  entryPrice: amount,
  markPrice: amount.nullable(),
  notional: amount,
  leverage: z.int(),
  marginMode: z.enum(['isolated']),
  margin: amount,
  maintenanceMargin: amount,
  marginRatio: amount,
  unrealizedPnl: amount,
  roe: amount,
  realizedPnl: amount,
  liquidationPrice: amount.nullable(),
  bankruptcyPrice: amount.nullable(),
  adlRank: z.int(),
  status: z.enum(['open', 'closed']),
  updatedAt: time,
  seq,
});

export const positionSettings = z.object({ symbol: text, leverage: z.int(), marginMode: z.enum(['isolated']), position: position.nullable() });

export const wallet = z.object({
  account: z.enum(['spot', 'futures']),
  asset: text,
  total: amount,
  available: amount,
  locked: amount,
  margin: amount.optional(),
  seq,
});

export const transaction = z.object({
  id: text,
  type: z.enum(['deposit', 'transfer', 'trade', 'funding', 'liquidation']),
  account: z.enum(['spot', 'futures']),
  asset: text,
  amount,
  fee: amount,
  realizedPnl: amount.optional(),
  symbol: text.nullable(),
  reference: text.nullable(),
  status: z.enum(['completed']),
  timestamp: time,
  seq,
});

export const transfer = z.object({
  id: text,
  asset: text,
  amount,
  from: z.enum(['spot', 'futures']),
  to: z.enum(['spot', 'futures']),
  timestamp: time,
  seq,
});

const liquidationFill = z.object({ tradeId: text, price: amount, quantity: amount, cause: z.enum(['order', 'liquidation', 'takeover', 'adl']) });

export const liquidation = z.object({
  id: text,
  symbol: text,
  side: z.enum(['long', 'short']),
  quantity: amount,
  entryPrice: amount,
  markPrice: amount,
  indexPrice: amount,
  tier: z.int(),
  marginBefore: amount,
  maintenanceMargin: amount,
  unrealizedPnl: amount,
  bankruptcyPrice: amount,
  fills: list(liquidationFill),
  fee: amount,
  fundDelta: amount,
  fundAfter: amount,
  adl: list(liquidationFill),
  userId: text.optional(),
  timestamp: time,
  seq,
});

export const insuranceBalance = z.object({ asset: text, balance: amount, updatedAt: time });

const marketStatus = z.enum(MARKET_STATUSES);

export const market = z.object({
  symbol: text,
  type: z.enum(['spot', 'perpetual']),
  base: text,
  quote: text,
  status: marketStatus,
  tickSize: amount,
  lotSize: amount,
  makerFee: amount,
  takerFee: amount,
  minQuantity: amount,
  maxQuantity: amount,
  maxMarketQuantity: amount,
  minNotional: amount,
  priceBand: amount,
  maxOpenOrders: z.int(),
  maxPosition: amount,
  maxLeverage: z.int(),
  riskTiers: list(z.object({ notionalFloor: amount, initialMarginRate: amount, maintenanceMarginRate: amount })),
  fundingIntervalMs: z.int(),
  interestRate: amount,
  fundingCap: amount,
  impactNotional: amount,
  liquidationFeeRate: amount,
  liquidationSurplus: z.enum(['fund', 'user']),
  house: z.boolean(),
  createdAt: time,
  updatedAt: time,
  seq,
});

export const marketPrices = z.object({
  symbol: text,
  index: amount.nullable(),
  mark: amount.nullable(),
  last: amount.nullable(),
  status: marketStatus,
  sources: list(z.object({ name: text, price: amount, weight: amount, healthy: z.boolean(), ageMs: z.number() })),
});

const fundingRate = z.object({ symbol: text, rate: amount, markPrice: amount, timestamp: time, seq });
export const marketFunding = z.object({ symbol: text, fundingRate: amount, nextFundingTime: time, fundingIntervalMs: z.int(), history: list(fundingRate) });

export const ticker = z.object({
  symbol: text,
  last: amount.nullable(),
  bid: amount.nullable(),
  ask: amount.nullable(),
  open: amount.nullable(),
  high: amount.nullable(),
  low: amount.nullable(),
  volume: amount,
  quoteVolume: amount,
  change: amount,
  changePercent: amount,
  count: z.int(),
  openTime: time,
  closeTime: second,
  index: amount.optional(),
  mark: amount.optional(),
  fundingRate: amount.optional(),
  nextFundingTime: time.optional(),
  openInterest: amount.optional(),
});

const spanStats = z.object({
  open: amount.nullable(),
  high: amount.nullable(),
  low: amount.nullable(),
  close: amount.nullable(),
  volume: amount,
  quoteVolume: amount,
  count: z.int(),
  weightedAveragePrice: amount.nullable(),
  rangePercent: amount,
});

export const marketStats = z.object({ symbol: text, lastHour: spanStats, lastDay: spanStats, spread: amount.nullable(), openInterest: amount.optional(), timestamp: second });

const level = z.tuple([amount, amount]).readonly();
export const orderBook = z.object({ symbol: text, seq: z.int().meta({ description: 'counts the changes of this book, without gaps' }), bids: list(level), asks: list(level), checksum: z.int() });
export const kline = z
  .tuple([time, amount, amount, amount, amount, amount, time, amount, z.int()])
  .readonly()
  .meta({ description: '[openTime, open, high, low, close, volume, closeTime, quoteVolume, count]' });

export const asset = z.object({ asset: text, scale: z.int() });

export const ledgerAudit = z.object({
  assets: list(z.object({ asset: text, sum: amount, external: amount, users: amount, locked: amount, margin: amount, fees: amount, insurance: amount })),
  balanced: z.boolean(),
});

export const riskSummary = z.object({
  assets: list(
    z.object({
      asset: text,
      equity: amount,
      available: amount,
      locked: amount,
      margin: amount,
      unrealizedPnl: amount,
      maintenanceMargin: amount,
      exposure: amount,
      effectiveLeverage: amount,
    }),
  ),
  positions: list(position.pick({ symbol: true, side: true, notional: true, leverage: true, marginRatio: true, liquidationPrice: true, adlRank: true })),
  worstMarginRatio: amount,
  openOrders: z.int(),
  seq,
});

const sourceInfo = z.object({
  name: text,
  state: text,
  detail: text,
  since: time,
  ticks: z.int(),
  rejected: z.int(),
  ageMs: z.number().nullable(),
  reliability: z.number(),
  clockOffsetMs: z.number(),
});

const indexReport = z.object({
  pair: text,
  symbols: list(text),
  index: z.number().optional(),
  live: z.boolean(),
  safety: z.enum(SAFETIES),
  counting: z.int(),
  quorum: z.int(),
  sources: list(z.object({ source: text, pair: text, kind: text, price: z.number(), weight: z.number(), healthy: z.boolean(), fault: text.optional(), ageMs: z.number(), reliability: z.number() })),
});

export const feedStatus = z.object({ mode: text, active: text, sources: list(sourceInfo), indices: list(indexReport) }).meta({ description: 'measurements, not money: prices here are numbers' });

export const auditEntry = z.object({
  id: text,
  timestamp: time,
  actor: text,
  action: text,
  target: text,
  outcome: z.enum(['ok', 'refused']),
  ip: text,
  requestId: text,
  before: z.record(text, z.unknown()).nullable(),
  after: z.record(text, z.unknown()).nullable(),
  previousHash: text,
  hash: text,
});

export const live = z.object({ status: z.enum(['live']) });
export const ready = z.object({ status: z.enum(['ready']), reasons: list(text) });
export const unready = z.object({ status: z.enum(['unready']), reasons: list(text) }).meta({ description: 'It cannot serve now, and why' });
/** `required`: whether the process is not ready without it. */
export const dependencies = z.object({ dependencies: list(z.object({ name: text, required: z.boolean(), ok: z.boolean(), detail: text, ms: z.int() })) });
