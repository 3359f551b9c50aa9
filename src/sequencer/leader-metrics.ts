/** What the leader reports, as the process's metrics. Label look-ups are made once: this runs for every command. */
import type { CommandType } from '../engine/commands.ts';
import type { Seq } from '../engine/units.ts';
import type { Tally } from '../observability/counter.ts';
import type { Metrics } from '../observability/metrics.ts';

interface CommitFigures {
  readonly seconds: number;
  readonly records: number;
  readonly events: number;
  /** Commands that wait after this commit. */
  readonly queued: number;
  readonly engineSeq: Seq;
  readonly committedSeq: Seq;
  /** Ids that were forgotten before their 24 hours were over, since the journal began. */
  readonly idsDroppedEarly: number;
}

export interface LeaderMetrics {
  executed(type: CommandType, ok: boolean): void;
  committed(figures: CommitFigures): void;
  snapshotTaken(seconds: number): void;
}

export const noMetrics: LeaderMetrics = { executed() {}, committed() {}, snapshotTaken() {} };

export function leaderMetrics(metrics: Metrics): LeaderMetrics {
  const accepted = new Map<CommandType, Tally>();
  const refused = new Map<CommandType, Tally>();
  const events = metrics.events.tally();
  return {
    executed(type, ok) {
      const tallies = ok ? accepted : refused;
      let tally = tallies.get(type);
      if (tally === undefined) tallies.set(type, (tally = metrics.commands.tally({ type, outcome: ok ? 'accepted' : 'refused' })));
      tally.inc();
    },
    committed({ seconds, records, events: emitted, queued, engineSeq, committedSeq, idsDroppedEarly }) {
      metrics.commitSeconds.observe(seconds);
      metrics.commitSize.observe(records);
      events.inc(emitted);
      metrics.queueDepth.set(queued);
      metrics.engineSeq.set(engineSeq);
      metrics.committedSeq.set(committedSeq);
      metrics.idsDroppedEarly.set(idsDroppedEarly);
    },
    snapshotTaken: (seconds) => metrics.snapshotSeconds.observe(seconds),
  };
}
