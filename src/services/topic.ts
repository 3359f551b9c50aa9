/** One stream of public data that many follow at once. Knows what is new; not who listens, nor how it is sent. */
export interface Topic {
  /** Unique; followers of the same id get the same messages. */
  readonly id: string;
  /** What its messages are about, as far as a client can tell from them; a client follows one topic of a subject. */
  readonly subject: string;
  /** Name of its messages. */
  readonly event: string;
  /** Least time between two messages, ms. */
  readonly everyMs: number;
  /** Resolves when there is something to start from; absent: there always is. */
  ready?(): Promise<void>;
  /** What is new since the last `flush`, for all followers; undefined: nothing. */
  flush(): unknown;
  /** What a new follower starts from. It goes on with what the next `flush` returns, so it is what was flushed last, or only what may be told again. */
  snapshot(): unknown;
  /** Where a follower stands who has got every message so far. */
  mark(): unknown;
  /** One message that brings a follower from a mark to where all others stand; undefined: nothing missed. */
  catchUp(mark: unknown): unknown;
}
