/** What scenarios of a small exchange are written with. Decides nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewOrder } from '../../src/engine/commands.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Kit, newOrder, PERP } from '../support/engine-kit.ts';
import type { MarketSpec } from '../../src/engine/market.ts';

export const FUND = 1;
export const FREE = { makerFee: 0, takerFee: 0 };
export const perp = { market: PERP } as const;

/** Plays on a fresh exchange with the mark at 1,000 and no fees but those given; afterwards the laws hold, and neither replay nor snapshot leads elsewhere. */
export function scenario(name: string, rules: { readonly perp?: Partial<MarketSpec>; readonly spot?: Partial<MarketSpec> }, play: (kit: Kit) => void): void {
  test(name, () => {
    const kit = Kit.create({ perp: { ...FREE, ...rules.perp }, spot: { ...FREE, ...rules.spot } });
    kit.prices(1_000, 1_000);
    play(kit);
    kit.engine.check();
    for (const { asset, sum } of kit.engine.audit()) assert.equal(sum, 0, `asset ${asset}`);
    assert.equal(kit.replay().stateHash(), kit.engine.stateHash(), 'the log leads to the same state');
    assert.equal(Engine.restore(kit.engine.snapshot()).stateHash(), kit.engine.stateHash(), 'and so does the snapshot');
  });
}

/** The buyer takes what the seller offers. */
export function open(kit: Kit, buyer: number, seller: number, price: number, quantity: number): void {
  kit.order(seller, { ...perp, side: 'sell', price, quantity });
  kit.order(buyer, { ...perp, side: 'buy', price, quantity });
}

/** Available, locked, margin in the futures wallet. */
export function futures(kit: Kit, account: number): readonly number[] {
  const { futuresAvailable, futuresLocked, margin } = kit.engine.balance(account, 0);
  return [futuresAvailable, futuresLocked, margin];
}

export function size(kit: Kit, account: number): number {
  return kit.engine.position(account, PERP)?.size ?? 0;
}

export function refusals(kit: Kit, account: number, orders: readonly Partial<NewOrder>[]): string[] {
  return kit.batch({ type: 'place_orders', account, orders: orders.map(newOrder) }).map((result) => (result.ok ? 'ok' : result.code));
}
