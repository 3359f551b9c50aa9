/** A counter for what happens with every request: it is added up in plain numbers, which become the metric's when somebody looks. */
import { Counter, type CounterConfiguration, type LabelValues } from 'prom-client';

/** One of the counter's series. */
export class Tally {
  #count = 0;

  /** @param by not negative. */
  inc(by = 1): void {
    this.#count += by;
  }

  /** What was added since the last time. */
  take(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }
}

export class TallyCounter<L extends string> extends Counter<L> {
  readonly #tallies: { readonly tally: Tally; readonly add: (count: number) => void }[] = [];

  constructor(configuration: Omit<CounterConfiguration<L>, 'collect'>) {
    super({ ...configuration, collect: () => this.#collect() });
  }

  /** The series with these labels, which begins at 0; to be asked for once and kept. */
  tally(labels: LabelValues<L> = {}): Tally {
    this.inc(labels, 0);
    const tally = new Tally();
    this.#tallies.push({ tally, add: (count) => this.inc(labels, count) });
    return tally;
  }

  #collect(): void {
    for (const { tally, add } of this.#tallies) {
      const count = tally.take();
      if (count > 0) add(count);
    }
  }
}
