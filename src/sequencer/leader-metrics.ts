/** What the leader reports, as the process's metrics. Label look-ups are made once: this runs for every command. */
import type { CommandType } from '../engine/commands.ts';
import type { Seq } from '../engine/units.ts';
import type { Metrics } from '../observability/metrics.ts';

interface CommitFigures {
  readonly seconds: number;
  readonly records: number;
  readonly events: number;
  /** Commands that wait after this commit. */
  readonly queued: number;
  readonly engineSeq: Seq;
  readonly committedSeq: Seq;
}

export interface LeaderMetrics {
  executed(type: CommandType, ok: boolean): void;
  committed(figures: CommitFigures): void;
  snapshotTaken(seconds: number): void;
}

export const noMetrics: LeaderMetrics = { executed() {}, committed() {}, snapshotTaken() {} };

export function leaderMetrics(metrics: Metrics): LeaderMetrics {
  const counters = new Map<string, { inc(): void }>();
  return {
    executed(type, ok) {
      const key = ok ? type : `${type} refused`;
      let counter = counters.get(key);
      if (counter === undefined) {
        counter = metrics.commands.labels({ type, outcome: ok ? 'accepted' : 'refused' });
        counters.set(key, counter);
      }
      counter.inc();
    },
    committed({ seconds, records, events, queued, engineSeq, committedSeq }) {
      metrics.commitSeconds.observe(seconds);
      metrics.commitSize.observe(records);
      metrics.events.inc(events);
      metrics.queueDepth.set(queued);
      metrics.engineSeq.set(engineSeq);
      metrics.committedSeq.set(committedSeq);
    },
    snapshotTaken: (seconds) => metrics.snapshotSeconds.observe(seconds),
  };
}
