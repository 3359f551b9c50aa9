/** The port through which services change and follow the state. One writer, one order, durable before it answers. */
import type { Command } from '../engine/commands.ts';
import type { Event, ItemResult } from '../engine/events.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { Reject } from '../engine/reject.ts';
import type { Millis, Seq } from '../engine/units.ts';

export interface CommandMeta {
  /** The caller's Idempotency-Key, already scoped to the account (`account:key`). Same key and fingerprint: the first outcome again. Other fingerprint: CONFLICT. */
  readonly idempotencyKey?: string;
  readonly fingerprint?: string;
}

/** A durable command: what was committed, or what had been when the same command came before. */
export interface Committed {
  readonly ok: true;
  /** Of its last event. */
  readonly seq: Seq;
  readonly time: Millis;
  readonly events: readonly Event[];
  /** Records of earlier commands to which items of this one had led; their events are the first of `events`. Absent when there are none. */
  readonly earlier?: readonly CommittedRecord[];
  /** One per item of a batch, in order. */
  readonly results?: readonly ItemResult[];
  /** The first outcome of a repeated key or clientOrderId; nothing happened now. */
  readonly replayed: boolean;
}

/** What every follower sees, in order, without gaps, only after it is durable. */
export interface CommittedRecord {
  /** Of its last event. */
  readonly seq: Seq;
  readonly time: Millis;
  readonly events: readonly Event[];
}

export interface Sequencer {
  /** Resolves when durable, or with the refusal (which waits for what it was decided on to be durable). Throws UnavailableError when it may not act. Repeated clientOrderId: see Committed.replayed. */
  submit(command: Command, meta?: CommandMeta): Promise<Committed | Reject>;
  /** Resolves with what `answer` makes of the outcome as soon as there is one, kept until it is durable: while thousands wait, the rest of each has left the caches. */
  submit<T extends object>(command: Command, meta: CommandMeta | undefined, answer: (committed: Committed) => T): Promise<T | Reject>;
  /** The engine's state, which may be ahead of the disk: await `barrier()` before showing any of it to anybody. */
  readonly state: EngineReader;
  /** Resolves when everything executed so far is durable (at once when it is). */
  barrier(): Promise<void>;
  readonly committedSeq: Seq;
  /** Called in order for each committed record from now on. A listener must not throw and must be quick. Returns how to stop. */
  onCommitted(listener: (record: CommittedRecord) => void): () => void;
  /** Whether commands are being taken, and if not, why. */
  readonly status: { readonly state: 'starting' | 'leading' | 'recovering' | 'stopped'; readonly reason?: string };
}
