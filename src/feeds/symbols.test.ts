import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assetCode, BINANCE_QUOTES, BINANCE_US_QUOTES, concatenated, HUOBI_QUOTES, separated } from './symbols.ts';

test('concatenated symbols end in a quote of the venue', () => {
  const cases: readonly (readonly [string, readonly string[] | undefined, string | undefined])[] = [
    ['BTCUSDT', undefined, 'BTC-USDT'], ['ethusd', undefined, 'ETH-USD'], ['USDTUSD', undefined, 'USDT-USD'], ['XBTUSD', undefined, 'BTC-USD'], ['GRTUSD', undefined, 'GRT-USD'],
    ['LINKETH', undefined, 'LINK-ETH'], ['BTCBUSD', BINANCE_QUOTES, 'BTC-BUSD'], ['BTCFDUSD', BINANCE_QUOTES, 'BTC-FDUSD'], ['BTCTUSD', BINANCE_QUOTES, 'BTC-TUSD'],
    ['SHIBUSD', BINANCE_US_QUOTES, 'SHIB-USD'], ['BTCBUSD', BINANCE_US_QUOTES, 'BTC-BUSD'], ['yfihusd', HUOBI_QUOTES, 'YFI-HUSD'], ['USDT', undefined, undefined], ['ABC', undefined, undefined],
  ];
  for (const [symbol, quotes, pair] of cases) assert.equal(concatenated(symbol, 'spot', quotes)?.pair, pair, symbol);
});

test('separated symbols are two names', () => {
  assert.equal(separated('XBT/USD', '/', 'spot')?.pair, 'BTC-USD');
  for (const bad of ['BTC', 'BTC/', '/USD', 'BTC/USD/X']) assert.equal(separated(bad, '/', 'spot'), undefined, bad);
});

test('other names of an asset', () => {
  assert.deepEqual(['xbt', 'XDG', 'BCHSV', 'eth', 'IOT'].map(assetCode), ['BTC', 'DOGE', 'BSV', 'ETH', 'IOT']);
});
