/** A machine whose wall clock the test sets, while its timers go on by the monotonic clock. What it stands for: NTP, an operator, a virtual machine that was suspended. */
import { SteadyClock } from '../../src/utils/clock.ts';
import { JumpClock } from './jump-clock.ts';

export class Machine {
  readonly #monotonic: JumpClock;
  /** The wall clock less the monotonic one, ms. */
  #offset = 0;
  /** The clock of the process that runs on it. */
  readonly clock: SteadyClock;

  constructor(start?: number) {
    this.#monotonic = new JumpClock(start);
    this.clock = new SteadyClock({ wall: () => this.wall, monotonic: () => this.#monotonic.now(), after: (ms, run) => this.#monotonic.after(ms, run) });
  }

  get wall(): number {
    return this.#monotonic.now() + this.#offset;
  }

  /** Sets the wall clock by this much; below 0: back. */
  set(byMs: number): void {
    this.#offset += byMs;
  }

  /** Lets this much time pass. `sleepers`: see JumpClock. */
  pass(ms: number, sleepers = () => 1): Promise<void> {
    return this.#monotonic.pass(ms, sleepers);
  }
}
