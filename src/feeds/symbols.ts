/** Venue spellings of assets and instruments to ours. Pure tables and splitting; quotes are never merged: USD, USDT, BUSD and USDC stay four. */
import { instrument, type Instrument, type InstrumentKind } from './source.ts';

/** Other names of the same asset. Kraken and BitMEX: XBT is Bitcoin, XDG is Dogecoin; KuCoin: BCHSV is Bitcoin SV. Names that mean another asset elsewhere are the venue's own. */
const ALIASES: Readonly<Record<string, string>> = { XBT: 'BTC', XDG: 'DOGE', BCHSV: 'BSV' };

/** Quotes that concatenated symbols end in. Not among them are those that end like another after a common base (ETHUSD is not ET-HUSD): venues that list them say so. */
const COMMON_QUOTES = [
  'USDT', 'USDC', 'USD', 'EUR', 'GBP', 'JPY', 'CHF', 'AUD', 'CAD', 'TRY', 'BRL', 'SGD', 'DAI', 'BTC', 'XBT', 'ETH', 'BNB', 'FIL', 'BCH', 'LTC',
];
/** Binance lists no plain USD. */
export const BINANCE_QUOTES = [
  'FDUSD', 'USDT', 'USDC', 'BUSD', 'TUSD', 'USDP', 'BIDR', 'IDRT', 'RUB', 'UAH', 'NGN', 'TRX', ...COMMON_QUOTES.filter((quote) => quote !== 'USD'),
];
export const BINANCE_US_QUOTES = ['BUSD', ...COMMON_QUOTES];
/** Huobi lists no plain USD. */
export const HUOBI_QUOTES = ['USDT', 'USDC', 'HUSD', 'USDD', 'BTC', 'ETH', 'HT', 'TRX', 'EUR'];

/** Assets whose name ends in B: on a venue with both USD and BUSD, BNBUSD is BNB in USD. */
const ENDING_IN_B = new Set(['BNB', 'SHIB', 'ARB']);

export function assetCode(code: string): string {
  const upper = code.toUpperCase();
  return ALIASES[upper] ?? upper;
}

/** 'btcusdt' → BTC-USDT; undefined when it ends in none of the quotes, which are tried in order. */
export function concatenated(symbol: string, kind: InstrumentKind, quotes: readonly string[] = COMMON_QUOTES): Instrument | undefined {
  const upper = symbol.toUpperCase();
  const quote = quotes.find((candidate) => upper.length > candidate.length && upper.endsWith(candidate) && !splitsName(upper, candidate, quotes));
  return quote === undefined ? undefined : instrument(assetCode(upper.slice(0, -quote.length)), assetCode(quote), kind);
}

function splitsName(symbol: string, quote: string, quotes: readonly string[]): boolean {
  return quote === 'BUSD' && quotes.includes('USD') && ENDING_IN_B.has(symbol.slice(0, -3));
}

/** 'XBT/USD', 'OMG_USDT', 'SNX-BTC' → the pair; undefined when it is not two names. */
export function separated(symbol: string, separator: string, kind: InstrumentKind): Instrument | undefined {
  const [base, quote, more] = symbol.split(separator);
  if (base === undefined || base === '' || quote === undefined || quote === '' || more !== undefined) return undefined;
  return instrument(assetCode(base), assetCode(quote), kind);
}
