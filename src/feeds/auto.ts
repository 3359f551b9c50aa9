/**
 * Live prices, or simulated ones when no exchange can be reached within a few seconds of the start; which one it is, it says. It decides once: live prices that
 * fail later make markets safe, they are never replaced by invented ones.
 */
import type { Logger } from '../observability/logger.ts';
import type { Clock } from '../utils/clock.ts';
import type { PriceSource, SourceListener, Tick, Venue } from './source.ts';

export interface AutoOptions {
  readonly live: PriceSource;
  readonly simulated: PriceSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long live prices are waited for. */
  readonly reachMs?: number;
}

const REACH_MS = 6_000;

export class AutoSource implements PriceSource {
  readonly #options: AutoOptions;
  #active: PriceSource;
  #bases: readonly string[] = [];
  #decided = false;
  #stopped = false;
  #cancel: () => void = () => undefined;
  #switching: Promise<void> = Promise.resolve();
  /** Live venues that have said anything of themselves. */
  readonly #heardOf = new Set<string>();

  constructor(options: AutoOptions) {
    this.#options = options;
    this.#active = options.live;
  }

  get name(): string {
    return this.#active.name;
  }

  venues(base: string): readonly Venue[] {
    return this.#active.venues(base);
  }

  async start(listener: SourceListener): Promise<void> {
    const { live, clock, reachMs = REACH_MS } = this.#options;
    live.follow(this.#bases);
    this.#cancel = clock.after(reachMs, () => {
      this.#switching = this.#simulate(listener);
    });
    const fromLive = guard(listener, () => this.#active === live);
    await live.start({
      ...fromLive,
      onTick: (tick) => this.#reached(tick, listener),
      onState: (source, state, detail) => {
        this.#heardOf.add(source);
        fromLive.onState(source, state, detail);
      },
    });
  }

  follow(bases: readonly string[]): void {
    this.#bases = bases;
    this.#active.follow(bases);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#switching;
    await this.#active.stop();
  }

  #reached(tick: Tick, listener: SourceListener): void {
    if (this.#active !== this.#options.live) return;
    if (!this.#decided) {
      this.#decided = true;
      this.#cancel();
      this.#options.logger.info('prices come from live exchanges');
    }
    listener.onTick(tick);
  }

  async #simulate(listener: SourceListener): Promise<void> {
    if (this.#decided || this.#stopped) return;
    const { live, simulated, logger } = this.#options;
    this.#decided = true;
    this.#active = simulated;
    logger.warn('no exchange can be reached: prices are SIMULATED until the next start');
    listener.onReset('no exchange can be reached, prices are simulated');
    simulated.follow(this.#bases);
    await simulated.start(listener);
    await live.stop();
    for (const source of this.#heardOf) listener.onState(source, 'stopped', 'not asked any more: prices are simulated');
  }
}

/** States of a source that is no longer the active one are dropped. */
function guard(listener: SourceListener, isActive: () => boolean): SourceListener {
  return {
    onTick: (tick) => listener.onTick(tick),
    onState: (source, state, detail) => { if (isActive()) listener.onState(source, state, detail); },
    onFault: (source, error) => { if (isActive()) listener.onFault(source, error); },
    onReset: (reason) => { if (isActive()) listener.onReset(reason); },
  };
}
