/** Which symbols of an exchange are followed: of each wanted base the spot pair in the best quote that is listed, and the rate between dollars and Tether. */
import { unifiedInstrument } from '../normalisers/ccxt.ts';
import type { Instrument } from '../source.ts';
import type { Markets } from './client.ts';

/** In order of preference. */
const QUOTES = ['USDT', 'USD', 'USDC'];
/** Followed wherever it is listed: an index believes a rate only when two quote it. */
const RATE = 'USDT/USD';
const MAX_SYMBOLS = 100;

export class Following {
  #bases: readonly string[] = [];
  #markets: Markets | undefined;
  #listed: ReadonlySet<string> | undefined;

  follow(bases: readonly string[]): void {
    this.#bases = bases;
  }

  /** As they were last taken; undefined before. */
  get markets(): Markets | undefined {
    return this.#markets;
  }

  /** Takes what is listed now; says what was followed and is gone. */
  take(markets: Markets): readonly string[] {
    const before = this.symbols();
    this.#markets = markets;
    this.#listed = new Set(Object.values(markets).filter(({ spot, active }) => spot !== false && active !== false).map(({ symbol }) => symbol));
    return before.filter((symbol) => !this.#lists(symbol));
  }

  symbols(): string[] {
    const symbols = this.#bases.flatMap((base) => this.#symbolOf(base) ?? []);
    return [...new Set(symbols.length > 0 && this.#lists(RATE) ? [RATE, ...symbols] : symbols)].slice(0, MAX_SYMBOLS);
  }

  /** What serves a base, or before the markets are known what may be hoped for. */
  instrumentOf(base: string): Instrument | undefined {
    if (!this.#bases.includes(base)) return undefined;
    const symbol = this.#listed === undefined ? `${base}/${QUOTES[0]}` : this.#symbolOf(base);
    return symbol === undefined ? undefined : unifiedInstrument(symbol);
  }

  #symbolOf(base: string): string | undefined {
    return QUOTES.map((quote) => `${base}/${quote}`).find((symbol) => this.#lists(symbol));
  }

  #lists(symbol: string): boolean {
    return this.#listed?.has(symbol) === true;
  }
}
