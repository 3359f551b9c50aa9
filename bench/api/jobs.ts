/** What the load process is asked to do, and what it says. */
export interface Job {
  readonly url: string;
  /** Access tokens: connection i acts as user i modulo their number. */
  readonly tokens: readonly string[];
  readonly connections: number;
  /** Counting begins after the warm-up. */
  readonly warmupMs: number;
  readonly measureMs: number;
  readonly seed: number;
  readonly symbol: string;
  /**
   * `orders`: POST /orders; `batches`: POST /orders/batch; `place`: socket order:place without private
   * events; `place_hearing`: with all of them; `empty`: a socket event without payload or work; `listen`: prices, `symbol` is a list.
   */
  readonly kind: 'orders' | 'batches' | 'place' | 'place_hearing' | 'empty' | 'listen';
}

export interface Figures {
  readonly seconds: number;
  /** Answers that were successes. */
  readonly answers: number;
  /** For batches, the orders in them that were accepted; for `listen`, the ticks in the messages; else as `answers`. */
  readonly units: number;
  readonly failures: number;
  /** What the first failure said. */
  readonly firstFailure: string;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}
