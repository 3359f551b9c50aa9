/** What is known of each price source as a connection: its state, how much it sends, how reliable it is; kept for metrics and administrators. */
import type { Aggregator, IndexReport } from '../feeds/aggregator.ts';
import type { SourceState } from '../feeds/source.ts';
import type { Metrics } from '../observability/metrics.ts';

export interface SourceInfo {
  readonly name: string;
  readonly state: SourceState;
  /** What was said when it got into that state, and when. */
  readonly detail: string;
  readonly since: number;
  readonly ticks: number;
  readonly rejected: number;
  /** null = nothing received yet. */
  readonly ageMs: number | null;
  /** 0…1. */
  readonly reliability: number;
  /** Our clock − the source's. */
  readonly clockOffsetMs: number;
}

export interface HealthChange {
  readonly source: string;
  readonly pair: string;
  readonly healthy: boolean;
  readonly detail: string;
}

interface Entry {
  state: SourceState;
  detail: string;
  since: number;
  ticks: number;
  rejected: number;
  lastMs: number | undefined;
}

/** Sources that are told apart. */
const MAX_SOURCES = 200;

export class SourceLog {
  readonly #metrics: Metrics;
  readonly #aggregator: Aggregator;
  readonly #entries = new Map<string, Entry>();
  #healthy = new Map<string, boolean>();

  constructor(metrics: Metrics, aggregator: Aggregator) {
    this.#metrics = metrics;
    this.#aggregator = aggregator;
  }

  changed(source: string, state: SourceState, detail: string, nowMs: number): void {
    const entry = this.#entry(source, nowMs);
    if (entry === undefined) return;
    Object.assign(entry, { state, detail, since: nowMs });
    // What is not a source any more has neither a circuit nor a health: an alarm would last for ever.
    if (state === 'stopped') this.#forget(source);
    else this.#metrics.feedCircuit.set({ source }, state === 'circuit_open' ? 1 : 0);
  }

  faulted(source: string, nowMs: number): void {
    if (this.#entry(source, nowMs) !== undefined) this.#metrics.feedFaults.inc({ source });
  }

  ticked(source: string, nowMs: number, fault: string | undefined): void {
    const entry = this.#entry(source, nowMs);
    if (entry === undefined) return;
    entry.ticks++;
    entry.lastMs = nowMs;
    this.#metrics.feedTicks.inc({ source });
    if (fault === undefined) return;
    entry.rejected++;
    this.#metrics.feedRejected.inc({ source, reason: fault });
  }

  /** Takes the verdicts of one evaluation; says which sources changed theirs since the last. A source with several instruments is healthy with its best. */
  evaluated(reports: readonly IndexReport[]): HealthChange[] {
    const now = new Map<string, HealthChange>();
    for (const { pair, sources } of reports) {
      for (const { source, healthy, fault } of sources) {
        const key = `${source} ${pair}`;
        if (healthy || !now.has(key)) now.set(key, { source, pair, healthy, detail: healthy ? 'counts' : (fault ?? 'no price') });
      }
    }
    for (const key of this.#healthy.keys()) {
      const [source, pair] = key.split(' ');
      if (!now.has(key)) now.set(key, { source, pair, healthy: false, detail: 'gone' });
    }
    const changes = [...now].filter(([key, { healthy }]) => this.#healthy.get(key) !== healthy).map(([, change]) => change);
    for (const { source, pair, healthy } of changes) this.#metrics.feedHealthy.set({ source, symbol: pair }, healthy ? 1 : 0);
    for (const [source, reliability] of this.#aggregator.reliabilities()) {
      if (this.#entries.get(source)?.state === 'stopped') continue;
      this.#metrics.feedReliability.set({ source }, reliability);
      this.#metrics.feedClockOffset.set({ source }, this.#aggregator.clockOffsetMs(source) / 1_000);
    }
    this.#healthy = new Map([...now].map(([key, { healthy }]) => [key, healthy]));
    return changes;
  }

  #forget(source: string): void {
    this.#metrics.feedCircuit.remove({ source });
    this.#metrics.feedReliability.remove({ source });
    this.#metrics.feedClockOffset.remove({ source });
    for (const key of this.#healthy.keys()) {
      const [name, symbol] = key.split(' ') as [string, string];
      if (name !== source) continue;
      this.#healthy.delete(key);
      this.#metrics.feedHealthy.remove({ source, symbol });
    }
  }

  infos(nowMs: number): SourceInfo[] {
    const reliabilities = this.#aggregator.reliabilities();
    return [...this.#entries].map(([name, { state, detail, since, ticks, rejected, lastMs }]) => ({
      name, state, detail, since, ticks, rejected,
      ageMs: lastMs === undefined ? null : Math.round(nowMs - lastMs),
      reliability: reliabilities.get(name) ?? 0,
      clockOffsetMs: Math.round(this.#aggregator.clockOffsetMs(name)),
    }));
  }

  #entry(source: string, nowMs: number): Entry | undefined {
    const known = this.#entries.get(source);
    if (known !== undefined || this.#entries.size >= MAX_SOURCES) return known;
    const made: Entry = { state: 'connecting', detail: '', since: nowMs, ticks: 0, rejected: 0, lastMs: undefined };
    this.#entries.set(source, made);
    return made;
  }
}
