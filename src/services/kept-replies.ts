/**
 * Has a write with an Idempotency-Key done once, and answers its repeats as the first time, where no record of the journal tells all that the reply
 * says. Keeps the text of successes for a day; a refusal has changed nothing and is not remembered. Not for replies that hold secrets.
 */
import { createHmac } from 'node:crypto';
import type { Collection, Store } from '../models/collection.ts';
import { keptreplies, type KeptReplyDoc } from '../models/keptreplies.ts';
import { Refusal } from '../types/refusal.ts';
import type { Idempotency } from '../types/route.ts';
import { KeyedQueue } from '../utils/keyed-queue.ts';

export interface KeptRepliesParts {
  readonly store: Store;
  /** The first seals, all are tried: a stolen store alone does not tell what was sent. */
  readonly secrets: readonly string[];
  readonly clock: () => number;
}

const DAY_MS = 86_400_000;

export class KeptReplies {
  readonly #parts: KeptRepliesParts;
  readonly #replies: Collection<KeptReplyDoc>;
  readonly #turns = new KeyedQueue();

  constructor(parts: KeptRepliesParts) {
    this.#parts = parts;
    this.#replies = parts.store.collection(keptreplies);
  }

  /** The text that `act` was answered with the first time. Throws CONFLICT for a key of another request, and what `act` throws. */
  once({ idempotencyKey, fingerprint }: Idempotency, act: () => Promise<string>): Promise<string> {
    return this.#turns.run(idempotencyKey, async () => {
      const { clock, secrets } = this.#parts;
      const kept = await this.#replies.get(idempotencyKey);
      if (kept !== undefined && clock() - kept.createdAt < DAY_MS) {
        if (secrets.every((secret) => sealed(secret, fingerprint) !== kept.fingerprint)) throw new Refusal('CONFLICT', 'this Idempotency-Key was used for another request');
        return kept.body;
      }
      const body = await act();
      await this.#replies.put([{ id: idempotencyKey, fingerprint: sealed(secrets[0] as string, fingerprint), body, createdAt: clock() }]);
      return body;
    });
  }
}

/** The prefix keeps it apart from everything else that is signed with these secrets. */
function sealed(secret: string, fingerprint: string): string {
  return createHmac('sha256', secret).update(`request:${fingerprint}`).digest('base64url');
}
