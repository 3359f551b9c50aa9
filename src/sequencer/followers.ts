/** Tells what is durable to whoever follows the journal. A follower that fails is logged, and told all the same what comes next. */
import type { Logger } from '../observability/logger.ts';
import type { CommittedRecord } from './sequencer.ts';

type Follower = (record: CommittedRecord) => void;

export class Followers {
  readonly #logger: Logger;
  readonly #followers = new Set<Follower>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** From the next records on. Returns how to stop. */
  add(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** One follower after the other, so that the work of each is done in one go. */
  tell(records: readonly CommittedRecord[]): void {
    for (const follower of Array.from(this.#followers)) {
      for (const record of records) {
        // It may have stopped meanwhile.
        if (this.#followers.has(follower)) this.#tellOne(follower, record);
      }
    }
  }

  #tellOne(follower: Follower, record: CommittedRecord): void {
    try {
      follower(record);
    } catch (error) {
      this.#logger.error('a follower of the journal failed', { seq: record.seq, error });
    }
  }
}
