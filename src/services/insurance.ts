/** What the insurance fund holds. */
import type { Collection } from '../models/collection.ts';
import type { InsuranceBalance, InsuranceDoc } from '../models/insurance.ts';
import type { Consistency } from './consistency.ts';

export interface InsuranceServiceParts {
  readonly consistency: Consistency;
  readonly insurance: Collection<InsuranceDoc>;
}

const MAX_ASSETS = 500;

export class InsuranceService {
  readonly #parts: InsuranceServiceParts;

  constructor(parts: InsuranceServiceParts) {
    this.#parts = parts;
  }

  /** One entry for each asset that it ever held. */
  async list(): Promise<InsuranceBalance[]> {
    const { items } = await this.#parts.consistency.find(this.#parts.insurance, { limit: MAX_ASSETS });
    return items.map(({ asset, balance, updatedAt }) => ({ asset, balance, updatedAt }));
  }
}
