/** What the insurance fund holds. */
import type { Collection } from '../models/collection.ts';
import type { InsuranceBalance, InsuranceDoc } from '../models/insurance.ts';
import type { Consistency } from './consistency.ts';
import type { ListQuery, Listing } from './paging.ts';

export interface InsuranceServiceParts {
  readonly consistency: Consistency;
  readonly insurance: Collection<InsuranceDoc>;
}

export class InsuranceService {
  readonly #parts: InsuranceServiceParts;

  constructor(parts: InsuranceServiceParts) {
    this.#parts = parts;
  }

  /** One entry for each asset that it ever held, by name. */
  async list({ limit, cursor, offset }: ListQuery): Promise<Listing<InsuranceBalance>> {
    const page = await this.#parts.consistency.find(this.#parts.insurance, { sort: { id: 1 }, limit, cursor, offset });
    return { ...page, items: page.items.map(({ asset, balance, updatedAt }) => ({ asset, balance, updatedAt })) };
  }
}
