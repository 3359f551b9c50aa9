/** What a leader does when its journal has failed: tries to open and recover it, less and less often, until it works again or must not be gone on with. */
import type { Millis, Seq } from '../engine/units.ts';
import { JournalCorruptError } from '../journal/errors.ts';
import { endOf, type Journal } from '../journal/journal.ts';
import type { Logger } from '../observability/logger.ts';
import { RecoveryError, recover, type Recovered, type RecoveryOptions } from './recovery.ts';
import { decodeBody } from './record.ts';
import type { CommittedRecord } from './sequencer.ts';

export interface LeadingAgainOptions extends RecoveryOptions {
  readonly openJournal: () => Promise<Journal>;
  readonly delay: (ms: Millis) => Promise<void>;
  readonly logger: Logger;
}

export interface LeadingAgainParts {
  /** Up to where the followers have been told. */
  readonly committedSeq: () => Seq;
  /** Tells the followers of records that were stored although their append had failed. */
  readonly tell: (records: readonly CommittedRecord[]) => void;
  /** Why it does not work yet. */
  readonly onFailed: (error: Error) => void;
  /** Whether to give up. */
  readonly closing: () => boolean;
  /** Ends the waiting between two tries. */
  readonly closeRequested: Promise<void>;
}

export interface Reopened {
  readonly journal: Journal;
  readonly recovered: Recovered;
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;
const FOLLOW_RECORDS = 500;

export class LeadingAgain {
  readonly #options: LeadingAgainOptions;
  readonly #parts: LeadingAgainParts;
  #retryMs = FIRST_RETRY_MS;

  constructor(options: LeadingAgainOptions, parts: LeadingAgainParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** The journal works: after its next failure the first try comes soon again. */
  worked(): void {
    this.#retryMs = FIRST_RETRY_MS;
  }

  /** undefined: given up, as the leader closes. Throws RecoveryError, JournalCorruptError: going on could do harm. */
  async reopen(failed: Journal): Promise<Reopened | undefined> {
    for (;;) {
      await Promise.race([this.#options.delay(this.#retryMs), this.#parts.closeRequested]);
      if (this.#parts.closing()) return undefined;
      this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
      try {
        await failed.close();
        return await this.#tryOnce();
      } catch (error) {
        if (error instanceof RecoveryError || error instanceof JournalCorruptError) throw error;
        this.#parts.onFailed(error as Error);
      }
    }
  }

  async #tryOnce(): Promise<Reopened> {
    const journal = await this.#options.openJournal();
    try {
      return { journal, recovered: await this.#recover(journal) };
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  async #recover(journal: Journal): Promise<Recovered> {
    const committedSeq = this.#parts.committedSeq();
    if (journal.lastSeq < committedSeq) {
      throw new RecoveryError(`The journal ends at event ${journal.lastSeq}, but events up to ${committedSeq} have been acknowledged.`, 'Restore the journal from a backup or replica that is complete; nothing has been changed.');
    }
    const recovered = await recover(journal, this.#options);
    await this.#catchUp(journal, recovered.engine.seq);
    return recovered;
  }

  async #catchUp(journal: Journal, lastSeq: Seq): Promise<void> {
    while (this.#parts.committedSeq() < lastSeq) {
      const records = await journal.read(this.#parts.committedSeq(), FOLLOW_RECORDS);
      this.#parts.tell(records.map((record) => ({ seq: endOf(record), time: record.time, events: decodeBody(record).events })));
    }
  }
}
