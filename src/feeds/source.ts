/** The port between the outside world's prices and this exchange: a source emits ticks and says how it is doing. Nothing here decides what a price is worth. */

/**
 * What the quoted instrument is. `spot` and `perpetual` may serve an index; a `future` with an expiry trades away from spot and never does.
 * An exchange's published index or oracle price counts as `spot`.
 */
export type InstrumentKind = 'spot' | 'perpetual' | 'future';

export interface Instrument {
  /** `BASE-QUOTE` with the quote as it is: BTC-USD, BTC-USDT, BTC-BUSD and BTC-USDC are four pairs. */
  readonly pair: string;
  readonly kind: InstrumentKind;
}

/** One normalised observation of one instrument on one venue. Prices in quote per base. Fields that the message did not carry are absent. */
export interface Tick extends Instrument {
  /** Venue, such as `binance` or `kraken_futures`. */
  readonly source: string;
  readonly bid?: number;
  readonly ask?: number;
  /** In the venue's own unit (coins or contracts): comparable within a source only. */
  readonly bidSize?: number;
  readonly askSize?: number;
  readonly last?: number;
  /** The venue's update number of a quote, where it has one: two quotes with the same number show the same book. */
  readonly sequence?: number;
  /** By the venue's clock, and as far ahead of that as ours is of the wall clock; absent where the message has no time. */
  readonly eventTimeMs?: number;
  /** By our clock, which never goes back, or by the time of its source where that has its own. */
  readonly receivedTimeMs: number;
}

/** `stopped`: by us, for good; it is not one of the sources any more. */
export type SourceState = 'connecting' | 'connected' | 'disconnected' | 'circuit_open' | 'ended' | 'stopped';

export interface SourceListener {
  onTick(tick: Tick): void;
  /** `source` is a venue of the adapter. */
  onState(source: string, state: SourceState, detail: string): void;
  /** Something of a source could not be used: a message, a recorded line, a connection. */
  onFault(source: string, error: unknown): void;
  /** The recording or the simulation starts anew at other prices: what was known of all venues no longer holds. */
  onReset(reason: string): void;
}

/** An instrument that a source expects to serve. */
export interface Venue extends Instrument {
  readonly source: string;
}

/** An adapter, which may stand for several venues. It never throws into the process: faults become states. */
export interface PriceSource {
  readonly name: string;
  /** The time that its ticks are dated by, ms, which never runs backwards; absent: the clock's. That of a recording runs as fast as it is played. */
  now?(): number;
  /** What it expects to serve for a base asset at present; empty when it knows nothing of it. */
  venues(base: string): readonly Venue[];
  /** Begins to emit. Resolves when it has set itself up, which does not mean that anything could be reached. */
  start(listener: SourceListener): Promise<void>;
  /** Asks for these bases from now on (a market was listed). Sources that cannot choose ignore it. */
  follow(bases: readonly string[]): void;
  /** No tick and no state comes after it resolved. */
  stop(): Promise<void>;
}

export function instrument(base: string, quote: string, kind: InstrumentKind): Instrument {
  return { pair: `${base}-${quote}`, kind };
}

/** 'BTC-USDT' → ['BTC', 'USDT']. */
export function splitPair(pair: string): readonly [string, string] {
  const dash = pair.indexOf('-');
  return [pair.slice(0, dash), pair.slice(dash + 1)];
}
