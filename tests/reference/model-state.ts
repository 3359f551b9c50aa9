/** What the reference model holds: everything in BigInt, in lists and maps that are copied whole. */
import type { NewOrder } from '../../src/engine/commands.ts';
import type { MarketSpec } from '../../src/engine/market.ts';

export interface ModelMarket {
  spec: MarketSpec;
  /** Quote minor units of one lot at one tick, base minor units of one lot. */
  readonly unit: bigint;
  readonly basePerLot: bigint;
}

export interface ModelOrder {
  readonly id: number;
  readonly account: number;
  readonly market: number;
  /** +1 buys, −1 sells. */
  readonly sign: bigint;
  readonly wish: NewOrder;
  price: bigint;
  quantity: bigint;
  remaining: bigint;
  filled: bigint;
  lock: bigint;
  /** Place in the queue of its price: lower is earlier. */
  arrival: number;
}

export interface ModelPosition {
  size: bigint;
  cost: bigint;
  margin: bigint;
  realized: bigint;
}

export interface ModelWallet {
  spotAvailable: bigint;
  spotLocked: bigint;
  futuresAvailable: bigint;
  futuresLocked: bigint;
  margin: bigint;
}

export interface ModelTrade {
  readonly market: number;
  readonly price: bigint;
  readonly quantity: bigint;
  readonly taker: number;
  readonly maker: number;
  readonly takerFee: bigint;
  readonly makerFee: bigint;
}

/** Funding that is being settled. */
export interface ModelFunding {
  readonly market: number;
  readonly rate: bigint;
  readonly mark: bigint;
  /** What everybody held when it began, by account. */
  readonly sizes: Map<number, bigint>;
  /** Payers that have not paid. */
  readonly unpaid: Set<number>;
  receiving: boolean;
  nextAccount: number;
  collected: bigint;
  paidOut: bigint;
}

export interface ModelState {
  nextId: number;
  nextArrival: number;
  orders: ModelOrder[];
  positions: Map<string, ModelPosition>;
  wallets: Map<string, ModelWallet>;
  leverages: Map<string, bigint>;
  marks: bigint[];
  trades: ModelTrade[];
  funding: ModelFunding | undefined;
}

/** An order's id, or the code of its refusal. */
export type ModelResult = number | string;
