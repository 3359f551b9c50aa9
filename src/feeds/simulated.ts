/**
 * Several imperfect venues around one seeded random walk: a geometric walk with jumps, correlated between assets and pulled back over days, seen by each
 * venue with its own delay, spread, noise, outages and wrong prints. The same seed and start give the same sequence of ticks.
 */
import { pause, type Clock } from '../utils/clock.ts';
import { random, type Random } from '../utils/random.ts';
import type { PriceSource, SourceListener, Tick, Venue } from './source.ts';

export interface SimulatedOptions {
  readonly seed: number;
  readonly clock: Clock;
  /** By base, in dollars: where the walk begins (the last index of a former run), so that a restart does not make prices jump. */
  readonly startPrices?: Readonly<Record<string, number>>;
}

interface Asset {
  readonly price: number;
  /** Standard deviation of one year's log return. */
  readonly volatility: number;
  /** Share of its movement that all assets have in common. */
  readonly beta: number;
}

/** About four times as lively as the real ones in 2021, so that within minutes there is something to see. */
const ASSETS: Readonly<Record<string, Asset>> = {
  BTC: { price: 65_000, volatility: 2.4, beta: 0.8 },
  ETH: { price: 3_200, volatility: 3, beta: 0.7 },
  SOL: { price: 150, volatility: 3.8, beta: 0.6 },
};

interface VenueModel {
  readonly name: string;
  readonly quote: 'USDT' | 'USD';
  readonly delaySteps: number;
  /** Fractions of the price. */
  readonly halfSpread: number;
  readonly noise: number;
  /** Chances per step. */
  readonly outage: number;
  readonly wrongPrint: number;
  /** Sends every so many steps. */
  readonly every: number;
}

const VENUES: readonly VenueModel[] = [
  { name: 'alpha', quote: 'USDT', delaySteps: 0, halfSpread: 0.00005, noise: 0.00003, outage: 1 / 20_000, wrongPrint: 0, every: 1 },
  { name: 'bravo', quote: 'USDT', delaySteps: 1, halfSpread: 0.00008, noise: 0.00005, outage: 1 / 10_000, wrongPrint: 1 / 20_000, every: 1 },
  { name: 'charlie', quote: 'USDT', delaySteps: 2, halfSpread: 0.0001, noise: 0.0001, outage: 1 / 5_000, wrongPrint: 1 / 10_000, every: 2 },
  { name: 'delta', quote: 'USDT', delaySteps: 4, halfSpread: 0.0002, noise: 0.0002, outage: 1 / 2_000, wrongPrint: 1 / 5_000, every: 3 },
  { name: 'echo', quote: 'USD', delaySteps: 1, halfSpread: 0.0001, noise: 0.00005, outage: 1 / 10_000, wrongPrint: 1 / 10_000, every: 2 },
];

const STEP_MS = 250;
const STEPS_PER_YEAR = (365 * 86_400_000) / STEP_MS;
const STEPS_PER_DAY = 86_400_000 / STEP_MS;
/** One jump of an asset in about half an hour, of about 0.6 %. */
const JUMP_CHANCE = STEP_MS / 1_800_000;
const JUMP_SIZE = 0.006;
/** An outage lasts 5 to 60 s. */
const OUTAGE_STEPS: readonly [number, number] = [20, 240];
const HISTORY = 8;

/** The common truth that venues see imperfectly. */
class Walk {
  readonly #random: Random;
  readonly #assets: readonly { readonly base: string; readonly model: Asset; readonly anchor: number; readonly history: number[] }[];
  #dollar = 0;

  constructor(source: Random, startPrices: Readonly<Record<string, number>>) {
    this.#random = source;
    this.#assets = Object.entries(ASSETS).map(([base, model]) => {
      const start = Math.log(startPrices[base] ?? model.price);
      return { base, model, anchor: start, history: [start] };
    });
  }

  step(): void {
    const common = this.#random.gaussian();
    for (const { model, anchor, history } of this.#assets) {
      const deviation = model.volatility / Math.sqrt(STEPS_PER_YEAR);
      const own = Math.sqrt(1 - model.beta ** 2) * this.#random.gaussian();
      const jump = this.#random.next() < JUMP_CHANCE ? this.#random.gaussian() * JUMP_SIZE : 0;
      const last = history[0];
      const pull = (anchor - last) / (2 * STEPS_PER_DAY);
      history.unshift(last + pull + deviation * (model.beta * common + own) + jump);
      history.length = Math.min(history.length, HISTORY);
    }
    this.#dollar += this.#random.gaussian() * 0.00001 - this.#dollar * 0.001;
  }

  /** Dollars (Tether) per unit, `delay` steps ago. */
  price(base: string, delay: number): number {
    const history = this.#assets.find((asset) => asset.base === base)?.history ?? [0];
    return Math.exp(history[Math.min(delay, history.length - 1)]);
  }

  /** US dollars per Tether. */
  get tether(): number {
    return 1 + this.#dollar;
  }
}

export class SimulatedSource implements PriceSource {
  readonly name = 'simulated';
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #walk: Walk;
  readonly #downUntil = new Map<string, number>();
  readonly #stopping = new AbortController();
  #step = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SimulatedOptions) {
    this.#clock = options.clock;
    this.#random = random(options.seed);
    this.#walk = new Walk(random(options.seed ^ 0x5eed), options.startPrices ?? {});
  }

  venues(base: string): readonly Venue[] {
    return base in ASSETS ? VENUES.map(({ name, quote }) => ({ source: name, pair: `${base}-${quote}`, kind: 'spot' })) : [];
  }

  async start(listener: SourceListener): Promise<void> {
    for (const { name } of VENUES) listener.onState(name, 'connected', 'simulated');
    this.#running = this.#run(listener);
  }

  /** Its assets are fixed. */
  follow(): void {}

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(listener: SourceListener): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.advance(listener);
      await pause(this.#clock, STEP_MS, signal);
    }
  }

  /** One step of 250 ms: the walk moves and the venues send what they see. */
  advance(listener: SourceListener): void {
    this.#walk.step();
    this.#step++;
    for (const venue of VENUES) {
      const up = this.#isUp(venue, listener);
      // Drawn in any case, so that an outage of one venue does not change what the others see.
      const ticks = this.#ticksOf(venue);
      if (up && this.#step % venue.every === 0) for (const tick of ticks) listener.onTick(tick);
    }
  }

  #isUp(venue: VenueModel, listener: SourceListener): boolean {
    const until = this.#downUntil.get(venue.name) ?? 0;
    const [least, most] = OUTAGE_STEPS;
    const begins = this.#random.next() < venue.outage;
    const length = least + Math.floor(this.#random.next() * (most - least));
    if (until === this.#step) listener.onState(venue.name, 'connected', 'back from a simulated outage');
    if (this.#step < until) return false;
    if (!begins) return true;
    this.#downUntil.set(venue.name, this.#step + length);
    listener.onState(venue.name, 'disconnected', `simulated outage of ${(length * STEP_MS) / 1000} s`);
    return false;
  }

  #ticksOf(venue: VenueModel): Tick[] {
    const ticks = Object.keys(ASSETS).map((base) => {
      const rate = venue.quote === 'USD' ? this.#walk.tether : 1;
      const wrong = this.#random.next() < venue.wrongPrint ? 1 + this.#random.gaussian() * 0.2 : 1;
      const middle = this.#walk.price(base, venue.delaySteps) * rate * (1 + this.#random.gaussian() * venue.noise) * Math.max(0.5, wrong);
      return this.#tick(venue, `${base}-${venue.quote}`, middle);
    });
    return venue.quote === 'USD' ? [...ticks, this.#tick(venue, 'USDT-USD', this.#walk.tether)] : ticks;
  }

  #tick(venue: VenueModel, pair: string, middle: number): Tick {
    const receivedTimeMs = this.#clock.now();
    const half = middle * venue.halfSpread;
    return { source: venue.name, pair, kind: 'spot', bid: middle - half, ask: middle + half, last: middle, eventTimeMs: receivedTimeMs - venue.delaySteps * STEP_MS, receivedTimeMs };
  }
}
