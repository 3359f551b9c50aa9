/**
 * What every venue format has in common: a message in, ticks out. A normaliser is a pure function of the messages it was given: no clock, no I/O;
 * its only memory is what the format needs (books that are sent as changes, numbers that name channels).
 */
import type { Instrument, Tick } from '../source.ts';
import type { TopOfBook } from '../top-of-book.ts';
import { positive, type Figures } from './figures.ts';
import { VenueBook } from './venue-book.ts';

export interface WireMessage {
  /** The exact text; of a compressed frame, its base64. */
  readonly text: string;
  readonly encoding?: 'base64';
  /** `in` = pushed by the venue, `http` = body of a REST response, `out` = sent by the client, `open` = a connection opened. */
  readonly direction: 'in' | 'http' | 'out' | 'open';
  /** Of a REST response, where known. */
  readonly url?: string;
  readonly receivedTimeMs: number;
}

export interface Normaliser {
  /** Ticks of this message, oldest first. Throws on text that is not of the format: callers count it and go on. */
  read(message: WireMessage): readonly Tick[];
}

export interface NormaliserOptions {
  /** Name that the ticks carry as their source. */
  readonly source: string;
  /** The venue's symbol of the one instrument that is being received: names the instrument of REST responses without a URL. */
  readonly symbol?: string;
}

export type NormaliserFactory = (options: NormaliserOptions) => Normaliser;

/** What a message says about an instrument; text or number as the venue sends it. */
export interface Observation {
  readonly bid?: number | string;
  readonly ask?: number | string;
  readonly bidSize?: number | string;
  readonly askSize?: number | string;
  readonly last?: number | string;
  readonly sequence?: number;
  /** Absent: the message has no time. */
  readonly eventTimeMs?: number;
}

/** A level as venues write it: price first, then size. */
export type Level = readonly [number | string, number | string, ...unknown[]];

/** Instruments that one connection may name. Beyond it new ones are ignored. */
const MAX_INSTRUMENTS = 4_096;

interface Entry {
  readonly instrument: Instrument;
  readonly book: VenueBook;
  /** Of the last quote that was emitted. */
  sequence: number;
}

type Dating = Pick<Observation, 'sequence' | 'eventTimeMs'>;

/** The instruments of one connection by the venue's symbol: their books, and ticks when what they show has changed. */
export class Board {
  readonly #source: string;
  readonly #parse: (symbol: string) => Instrument | undefined;
  readonly #entries = new Map<string, Entry | undefined>();

  /** `parse` names the instrument of a symbol; undefined = not one we can use. */
  constructor(source: string, parse: (symbol: string) => Instrument | undefined) {
    this.#source = source;
    this.#parse = parse;
  }

  /** undefined: an instrument without use here. */
  book(symbol: string): VenueBook | undefined {
    return this.#entry(symbol)?.book;
  }

  /** Whether there is a book of it, so that the quote of a ticker is not needed. */
  hasBook(symbol: string): boolean {
    return this.#entry(symbol)?.book.whole === true;
  }

  /** Fills a book anew. Throws what `fill` throws. */
  snapshot(symbol: string, message: WireMessage, fill: (book: TopOfBook) => void, seen?: Dating): readonly Tick[] {
    this.#entry(symbol)?.book.fill(fill);
    return this.fromBook(symbol, message, seen);
  }

  /** Changes a book that is whole. Throws what `apply` throws. */
  change(symbol: string, message: WireMessage, apply: (book: TopOfBook) => void, seen?: Dating): readonly Tick[] {
    return this.#entry(symbol)?.book.change(apply) === true ? this.fromBook(symbol, message, seen) : [];
  }

  /** Forgets all books: a connection opened anew. */
  clear(): void {
    this.#entries.clear();
  }

  /** A tick from figures that the venue stated itself. Empty when none of them is a price, or an older quote than the last one. */
  stated(symbol: string, message: WireMessage, seen: Observation): readonly Tick[] {
    const entry = this.#entry(symbol);
    if (entry === undefined) return [];
    const bid = positive(seen.bid);
    const ask = positive(seen.ask);
    const last = positive(seen.last);
    if (bid === undefined && ask === undefined && last === undefined) return [];
    const isQuote = bid !== undefined || ask !== undefined;
    if (isQuote && seen.sequence !== undefined) {
      if (seen.sequence < entry.sequence) return [];
      entry.sequence = seen.sequence;
    }
    return [makeTick(this.#source, entry.instrument, message.receivedTimeMs, { bid, ask, last, bidSize: positive(seen.bidSize), askSize: positive(seen.askSize) }, seen)];
  }

  /** A tick from a book that was updated, where it has something to show. */
  fromBook(symbol: string, message: WireMessage, seen: Dating = {}): readonly Tick[] {
    const entry = this.#entry(symbol);
    if (entry === undefined || (seen.sequence !== undefined && seen.sequence < entry.sequence)) return [];
    const best = entry.book.show(message.receivedTimeMs);
    if (best === undefined) return [];
    entry.sequence = seen.sequence ?? entry.sequence;
    return [makeTick(this.#source, entry.instrument, message.receivedTimeMs, best, seen)];
  }

  #entry(symbol: string): Entry | undefined {
    if (this.#entries.has(symbol)) return this.#entries.get(symbol);
    if (this.#entries.size >= MAX_INSTRUMENTS) return undefined;
    const parsed = this.#parse(symbol);
    const entry = parsed && { instrument: parsed, book: new VenueBook(), sequence: 0 };
    this.#entries.set(symbol, entry);
    return entry;
  }
}

/** Absent figures stay absent: a tick has no field whose value is undefined. */
export function makeTick(source: string, of: Instrument, receivedTimeMs: number, figures: Figures, seen: Dating = {}): Tick {
  const made: { -readonly [K in keyof Tick]: Tick[K] } = { source, pair: of.pair, kind: of.kind, receivedTimeMs };
  if (seen.eventTimeMs !== undefined && Number.isFinite(seen.eventTimeMs) && seen.eventTimeMs > 0) made.eventTimeMs = seen.eventTimeMs;
  if (figures.bid !== undefined) made.bid = figures.bid;
  if (figures.ask !== undefined) made.ask = figures.ask;
  if (figures.bidSize !== undefined) made.bidSize = figures.bidSize;
  if (figures.askSize !== undefined) made.askSize = figures.askSize;
  if (figures.last !== undefined) made.last = figures.last;
  if (seen.sequence !== undefined) made.sequence = seen.sequence;
  return made;
}

/** Sets levels as `[price, size]`; size 0 removes. Throws on a level that is not two numbers: the book can no longer be trusted. */
export function setLevels(side: TopOfBook['bids'], levels: readonly Level[] | undefined): void {
  if (levels === undefined) return;
  for (const level of levels) setLevel(side, level[0], level[1]);
}

export function setLevel(side: TopOfBook['bids'], price: number | string, size: number | string): void {
  const at = Number(price);
  const much = Number(size);
  if (!Number.isFinite(at) || !Number.isFinite(much) || at <= 0 || much < 0) throw new RangeError(`not a book level: ${price}, ${size}`);
  side.set(at, much);
}

/** `…/depth?symbol=NKNUSDT&limit=1000`, `symbol` → NKNUSDT. */
export function inQuery(url: string | undefined, name: string): string | undefined {
  return new RegExp(`[?&]${name}=([^&]+)`).exec(url ?? '')?.[1];
}

/** '2021-04-17T16:43:30.244075Z' → ms; undefined when it is no time. */
export function isoTime(text: string | undefined): number | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
