/** Says when the wall clock jumps, and as long as it is behind the clock of the process. Corrects nothing: that clock goes its own way. */
import { inSeconds, type Clock } from '../utils/clock.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

export interface ClockWatchParts {
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'clockBehind' | 'clockJumps'>;
  readonly logger: Logger;
}

const EVERY_MS = 1_000;
/** From here on it is worth telling. */
const BEHIND_MS = 1_000;

export class ClockWatch {
  readonly #parts: ClockWatchParts;
  readonly #unsubscribe: () => void;
  #cancel: () => void = () => undefined;
  #behind = false;

  constructor(parts: ClockWatchParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.clock.onJump((byMs) => this.#jumped(byMs));
    this.#look();
  }

  close(): void {
    this.#unsubscribe();
    this.#cancel();
  }

  #look(): void {
    const { clock, metrics, logger } = this.#parts;
    clock.now();
    metrics.clockBehind.set(clock.leadMs / 1_000);
    const behind = clock.leadMs >= BEHIND_MS;
    if (behind && !this.#behind) {
      logger.warn('the wall clock is behind: the time of this process goes on, a tenth slower, until they agree', { seconds: inSeconds(clock.leadMs), time: iso(clock) });
    } else if (!behind && this.#behind) logger.info('the wall clock and the time of this process agree again', { time: iso(clock) });
    this.#behind = behind;
    this.#cancel = clock.after(EVERY_MS, () => this.#look());
  }

  #jumped(byMs: number): void {
    const { metrics, logger } = this.#parts;
    metrics.clockJumps.inc({ direction: byMs > 0 ? 'ahead' : 'back' });
    if (byMs > 0) logger.warn('the wall clock has jumped ahead: it was set, or this machine stood still; what is due by now happens at once', { seconds: inSeconds(byMs) });
    else logger.warn('the wall clock has been set back', { seconds: inSeconds(-byMs) });
  }
}

function iso(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
