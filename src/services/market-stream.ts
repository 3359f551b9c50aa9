/**
 * Public data as it happens: prices, order books, trades, tickers, candles and liquidations as topics, from committed records. Keeps what is
 * needed to say what is new; formats only what somebody follows.
 */
import type { Event, EventOf } from '../engine/events.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { MarketId, Millis, Seq, Ticks } from '../engine/units.ts';
import type { Kline, KlineInterval } from '../models/klines.ts';
import { publicLiquidation, type Liquidation } from '../models/liquidations.ts';
import type { PublicTrade } from '../models/trades.ts';
import type { ListedMarket } from '../projections/context.ts';
import { deltaOf, snapshotOf, type BookTop } from '../projections/book-messages.ts';
import type { OrderBooks } from '../projections/order-books.ts';
import { liquidationDocument } from '../projections/records.ts';
import type { RecentTrades } from '../projections/recent-trades.ts';
import type { Ticker } from '../projections/tickers.ts';
import { isPublic } from '../projections/trades.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import { candleTopic } from './candle-topic.ts';
import type { Catalog } from './catalog.ts';
import { logTopic, Recent } from './recent.ts';
import type { Topic } from './topic.ts';

/** null = not known yet. */
export interface PriceTick {
  readonly symbol: string;
  readonly index: string | null;
  readonly mark: string | null;
  readonly last: string | null;
  readonly ts: number;
}

export interface StreamedTrades {
  readonly symbol: string;
  /** Of the last trade; 0 when there is none yet. */
  readonly seq: number;
  /** Oldest first. */
  readonly trades: readonly PublicTrade[];
}

/** What others keep and this passes on. Undefined: nothing to say about it yet. */
export interface MarketStreamParts {
  readonly state: Pick<EngineReader, 'markets' | 'prices' | 'seq' | 'userOf' | 'kindOf'>;
  readonly catalog: Pick<Catalog, 'byId' | 'named'>;
  readonly books: Pick<OrderBooks, 'top'>;
  readonly ticker: (symbol: string) => Pick<Ticker, 'openTime' | 'closeTime'> | undefined;
  /** A market's last trades, those of before this process too; they go on as records are committed. */
  readonly trades: (listed: ListedMarket) => RecentTrades;
  /** The candle that is being built, or the one that began at `openTime` if it is among the last and had trades. */
  readonly candle: (symbol: string, interval: KlineInterval, openTime?: Millis) => Kline | undefined;
}

/** Least ms between two messages of a topic. */
const EVERY_MS = { prices: 100, orderbook: 50, trades: 50, liquidations: 50, ticker: 500, kline: 500 } as const;
/** Liquidations kept per market: what a follower can miss and still be told. */
const KEPT = 4_096;

interface Liquidated {
  readonly event: EventOf<'position_liquidated'>;
  readonly time: Millis;
}

/** What happened last in one market, as the events are. */
class MarketLog {
  index: Ticks = 0;
  mark: Ticks = 0;
  last: Ticks = 0;
  pricedAt: Millis = 0;
  /** Counts changes of the prices. */
  version = 0;
  /** Those of before this process as they are shown. */
  readonly liquidations = new Recent<Liquidated | Liquidation>(KEPT);
}

export class MarketStream {
  readonly #parts: MarketStreamParts;
  readonly #logs: MarketLog[] = [];
  /** Of the last event taken. */
  #seq: Seq;

  constructor(parts: MarketStreamParts) {
    this.#parts = parts;
    this.#seq = parts.state.seq;
    for (const { id } of parts.state.markets) {
      const { index, mark, last, updatedAt } = parts.state.prices(id);
      Object.assign(this.#log(id), { index, mark, last, pricedAt: updatedAt });
    }
  }

  /** Liquidations that new followers are shown of the time before this process, oldest first. To be called before the first `apply`. */
  remember(symbol: string, liquidations: readonly Liquidation[]): void {
    const log = this.#log(this.#parts.catalog.named(symbol).market.id);
    for (const liquidation of liquidations) log.liquidations.push(liquidation);
  }

  /** Takes the next committed record; what the state it started from contains already is skipped. */
  apply(record: CommittedRecord): void {
    for (const event of record.events) {
      if (event.seq <= this.#seq) continue;
      this.#seq = event.seq;
      this.#apply(event, record.time);
    }
  }

  /** `symbols`: known ones. The order and repetitions do not matter. */
  prices(symbols: readonly string[]): Topic {
    const listed = [...new Set(symbols)].sort().map((symbol) => this.#parts.catalog.named(symbol));
    const log = ({ market }: ListedMarket): MarketLog => this.#log(market.id);
    let sent = listed.map((one) => log(one).version);
    const all = (): PriceTick[] => listed.map((one) => tickOf(one, log(one)));
    return {
      id: `prices:${listed.map(({ market }) => market.symbol).join(',')}`,
      subject: 'prices',
      event: 'prices',
      everyMs: EVERY_MS.prices,
      flush: () => {
        const versions = listed.map((one) => log(one).version);
        const changed = listed.filter((_, i) => versions[i] !== sent[i]);
        sent = versions;
        return changed.length === 0 ? undefined : changed.map((one) => tickOf(one, log(one)));
      },
      snapshot: all,
      mark: () => undefined,
      catchUp: all,
    };
  }

  /** UNKNOWN_SYMBOL when there is no such market; so for all below. */
  orderBook(symbol: string, depth: number): Topic {
    const { market } = this.#parts.catalog.named(symbol);
    const top = (): BookTop => {
      const now = this.#parts.books.top(market.symbol, depth);
      if (now === undefined) throw new Error(`no book for ${market.symbol}`);
      return now;
    };
    let sent = top();
    return {
      id: `market:orderbook:${symbol}:${depth}`,
      subject: `market:orderbook:${symbol}`,
      event: 'orderbook',
      everyMs: EVERY_MS.orderbook,
      flush: () => {
        const now = top();
        // Changes that cannot be seen at this depth do not count: the next delta starts from what was sent last.
        const delta = now.seq === sent.seq ? undefined : deltaOf(sent, now);
        if (delta !== undefined) sent = now;
        return delta;
      },
      snapshot: () => snapshotOf(sent),
      mark: () => sent,
      catchUp: (mark) => deltaOf(mark as BookTop, sent),
    };
  }

  trades(symbol: string): Topic {
    const recent = this.#parts.trades(this.#parts.catalog.named(symbol));
    const message = (trades: readonly PublicTrade[]): StreamedTrades => ({ symbol, seq: trades.at(-1)?.seq ?? 0, trades });
    return logTopic(`market:trades:${symbol}`, 'trades', EVERY_MS.trades, recent, message);
  }

  liquidations(symbol: string): Topic {
    const { market } = this.#parts.catalog.named(symbol);
    const shown = ({ event, time }: Liquidated): Liquidation => publicLiquidation(liquidationDocument(event, { catalog: this.#parts.catalog, owners: this.#parts.state, time }));
    const message = (entries: readonly (Liquidated | Liquidation)[]) => {
      const liquidations = entries.map((entry) => ('event' in entry ? shown(entry) : entry));
      return { symbol, seq: liquidations.at(-1)?.seq ?? 0, liquidations };
    };
    return logTopic(`market:liquidations:${symbol}`, 'liquidations', EVERY_MS.liquidations, this.#log(market.id).liquidations, message);
  }

  /** Of its messages only the latest matters. That the 24 hours go on is no news as long as they come to the same. */
  ticker(symbol: string): Topic {
    this.#parts.catalog.named(symbol);
    const id = `market:ticker:${symbol}`;
    let told: string | undefined;
    /** As of the last look: in all but the times what all followers have. */
    let latest: object | undefined;
    return {
      id,
      subject: id,
      event: 'ticker',
      everyMs: EVERY_MS.ticker,
      flush: () => {
        const now = this.#parts.ticker(symbol);
        if (now === undefined) return undefined;
        const { openTime: _from, closeTime: _to, ...figures } = now;
        const text = JSON.stringify(figures);
        latest = { ...now, seq: this.#seq };
        if (text === told) return undefined;
        told = text;
        return latest;
      },
      snapshot: () => latest ?? null,
      mark: () => undefined,
      catchUp: () => latest,
    };
  }

  kline(symbol: string, interval: KlineInterval): Topic {
    this.#parts.catalog.named(symbol);
    return candleTopic({ symbol, interval, everyMs: EVERY_MS.kline, candle: (openTime) => this.#parts.candle(symbol, interval, openTime), seq: () => this.#seq });
  }

  #log(market: MarketId): MarketLog {
    return (this.#logs[market] ??= new MarketLog());
  }

  #apply(event: Event, time: Millis): void {
    if (event.type === 'trade') {
      if (!isPublic(event)) return;
      const log = this.#log(event.market);
      const changed = log.last !== event.price;
      log.last = event.price;
      log.pricedAt = time;
      if (changed) log.version++;
    } else if (event.type === 'prices_updated') {
      const log = this.#log(event.market);
      const changed = log.index !== event.index || log.mark !== event.mark;
      log.index = event.index;
      log.mark = event.mark;
      log.pricedAt = time;
      if (changed) log.version++;
    } else if (event.type === 'position_liquidated') {
      this.#log(event.receipt.market).liquidations.push({ event, time });
    }
  }
}

function tickOf({ market, units }: ListedMarket, { index, mark, last, pricedAt }: MarketLog): PriceTick {
  const price = (ticks: Ticks): string | null => (ticks === 0 ? null : units.formatPrice(ticks));
  return { symbol: market.symbol, index: price(index), mark: price(mark), last: price(last), ts: pricedAt };
}
