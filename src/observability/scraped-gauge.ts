/** A gauge whose values are worked out when somebody looks at the metrics, and not before. */
import { Gauge, type GaugeConfiguration } from 'prom-client';

export class ScrapedGauge<L extends string> extends Gauge<L> {
  #measure: () => void = () => undefined;

  constructor(configuration: Omit<GaugeConfiguration<L>, 'collect'>) {
    super({ ...configuration, collect: () => this.#measure() });
  }

  /** `measure` sets the gauge; it is called at each look. */
  measuredBy(measure: () => void): void {
    this.#measure = measure;
  }
}
