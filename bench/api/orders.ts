/** Seeded orders of users who keep a book alive: most rest near the middle, some cross it. Connections with an even number sell, the others buy. */
const MIDDLE = 1_000;
const SPAN = 20;
/** How far an order reaches over the middle at most; a quarter of the span, so that a quarter of the orders meets another. */
const REACH = 5;
/** In a batch both sides reach as far as they stand back, so that nearly everything is filled in the end. */
const BATCH_REACH = SPAN;
export const BATCH = 50;

/** mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function orderText(symbol: string, connection: number, next: () => number, reach = REACH): string {
  const sells = connection % 2 === 0;
  const away = Math.floor(next() * (SPAN + reach)) - reach;
  const price = sells ? MIDDLE + away : MIDDLE - away;
  const quantity = 1 + Math.floor(next() * 9);
  return `{"symbol":"${symbol}","side":"${sells ? 'sell' : 'buy'}","type":"limit","price":"${price}","quantity":"0.0${quantity}"}`;
}

export function batchText(symbol: string, connection: number, next: () => number): string {
  return `{"orders":[${Array.from({ length: BATCH }, () => orderText(symbol, connection, next, BATCH_REACH)).join(',')}]}`;
}
