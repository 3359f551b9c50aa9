/** Audits the ledger while the process runs: per asset, the sum over all accounts is zero. Anything else is an alarm; it repairs nothing. */
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';
import { auditLedger } from './ledger-audit.ts';

export interface LedgerWatchParts {
  readonly sequencer: Pick<Sequencer, 'state' | 'status'>;
  readonly metrics: Pick<Metrics, 'ledgerImbalance'>;
  readonly logger: Logger;
  /** Told in words when an asset does not add up. */
  readonly onImbalance: (message: string) => void;
  /** Time between audits, ms. Default 10 s. */
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;

export class LedgerWatch {
  readonly #parts: LedgerWatchParts;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<boolean> | undefined;

  constructor(parts: LedgerWatchParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.audit(), parts.everyMs ?? EVERY_MS);
    this.#timer.unref();
  }

  /** Whether every asset adds up; sets the metric. One at a time: who asks meanwhile gets the same. */
  audit(): Promise<boolean> {
    return (this.#running ??= this.#audit().finally(() => {
      this.#running = undefined;
    }));
  }

  async #audit(): Promise<boolean> {
    const { sequencer, metrics, logger, onImbalance } = this.#parts;
    // While the state is being rebuilt there is nothing whole to audit.
    if (sequencer.status.state !== 'leading') return true;
    const { state } = sequencer;
    let balanced = true;
    const { seq, rows } = await auditLedger(state);
    for (const { asset, sum } of rows) {
      const { code } = state.assets[asset];
      metrics.ledgerImbalance.set({ asset: code }, sum);
      if (sum === 0) continue;
      balanced = false;
      const message = `the ledger of ${code} sums to ${sum} minor units instead of 0 at seq ${seq}`;
      logger.error(message, { asset: code, sum, seq });
      onImbalance(message);
    }
    return balanced;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
