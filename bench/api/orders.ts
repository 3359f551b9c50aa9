/** Seeded orders of users who keep a book alive: most rest near the middle, some cross it. Connections with an even number sell, the others buy. */
import type { Random } from '../../tests/simulation/random.ts';

const MIDDLE = 1_000;
const SPAN = 20;
/** How far an order reaches over the middle at most; a quarter of the span, so that a quarter of the orders meets another. */
const REACH = 5;
/** In a batch both sides reach as far as they stand back, so that nearly everything is filled in the end. */
const BATCH_REACH = SPAN;
export const BATCH = 50;

export function orderText(symbol: string, connection: number, random: Random, reach = REACH): string {
  const sells = connection % 2 === 0;
  const away = random.between(-reach, SPAN - 1);
  const price = sells ? MIDDLE + away : MIDDLE - away;
  const quantity = random.between(1, 9);
  return `{"symbol":"${symbol}","side":"${sells ? 'sell' : 'buy'}","type":"limit","price":"${price}","quantity":"0.0${quantity}"}`;
}

export function batchText(symbol: string, connection: number, random: Random): string {
  return `{"orders":[${Array.from({ length: BATCH }, () => orderText(symbol, connection, random, BATCH_REACH)).join(',')}]}`;
}
