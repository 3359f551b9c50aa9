/** How services read: hot state only once it is durable, collections only once they hold what has been committed. So everybody sees their own writes, and nobody sees what a crash could take back. */
import type { EngineReader } from '../engine/reader.ts';
import type { Seq } from '../engine/units.ts';
import type { Collection, Find } from '../models/collection.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { Refusal } from '../types/refusal.ts';
import type { Listing } from './paging.ts';

/** How far the collections are. */
export interface ProjectionProgress {
  /** Whether everything up to `seq` is in the collections, waiting at most `timeoutMs` for it. */
  reached(seq: Seq, timeoutMs: number): Promise<boolean>;
}

const CATCH_UP_MS = 2_000;

export class Consistency {
  readonly #sequencer: Sequencer;
  readonly #projections: ProjectionProgress;

  constructor(sequencer: Sequencer, projections: ProjectionProgress) {
    this.#sequencer = sequencer;
    this.#projections = projections;
  }

  /** What `read` makes of the state now, handed out once all that led to it is durable. `read` must return copies. */
  async live<T>(read: (state: EngineReader) => T): Promise<T> {
    const value = read(this.#sequencer.state);
    await this.#sequencer.barrier();
    return value;
  }

  /** Resolves with the seq that the collections hold at least: `seq`, or all that is committed. Throws UNAVAILABLE when they lag for longer than two seconds. */
  async caughtUp(seq: Seq = this.#sequencer.committedSeq): Promise<Seq> {
    if (!(await this.#projections.reached(seq, CATCH_UP_MS))) {
      throw new Refusal('UNAVAILABLE', 'the history is still catching up with the trades; try again', { retryAfterSeconds: 1 });
    }
    return seq;
  }

  /** A page of a collection that holds everything committed so far. */
  async find<T extends { readonly id: string }>(collection: Collection<T>, query: Find<T>): Promise<Listing<T>> {
    const seq = await this.caughtUp();
    return { ...(await collection.find(query)), seq };
  }
}
