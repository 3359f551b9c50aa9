/** What every fold may look up. The services' catalogue and the engine's reader fit as they are; the projector brings its own. */
import type { Asset, Market } from '../engine/market.ts';
import { type AccountId, INSURANCE, type MarketId, type Millis, VENUE } from '../engine/units.ts';
import type { MarketUnits } from '../types/market-units.ts';

/** A market and how its numbers are written. */
export interface ListedMarket {
  readonly market: Market;
  readonly base: Asset;
  readonly quote: Asset;
  readonly units: MarketUnits;
}

export interface FoldContext {
  readonly catalog: { byId(id: MarketId): ListedMarket };
  readonly owners: {
    userOf(account: AccountId): string | undefined;
    kindOf(account: AccountId): 'user' | 'house' | 'venue';
  };
  /** Of the record that the event is part of. */
  readonly time: Millis;
}

/** The user id behind an account; the venue's own accounts have names instead. */
export function ownerOf(account: AccountId, { owners }: Pick<FoldContext, 'owners'>): string {
  if (account === VENUE) return 'venue';
  if (account === INSURANCE) return 'insurance';
  const user = owners.userOf(account);
  if (user === undefined) throw new Error(`account ${account} has no owner`);
  return user;
}
