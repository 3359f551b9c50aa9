/** The body of a journal record: the events of one command and, for a batch, its results. */
import type { Event, ItemResult } from '../engine/events.ts';
import type { Millis, Seq } from '../engine/units.ts';
import type { JournalRecord } from '../journal/journal.ts';

export interface RecordBody {
  readonly events: readonly Event[];
  readonly results?: readonly ItemResult[];
}

/** `body` holds at least one event. */
export function encodeRecord({ events, results }: RecordBody, time: Millis, key: string, fingerprint: string): JournalRecord {
  return { seq: events[0]!.seq, count: events.length, time, key, fingerprint, body: JSON.stringify({ events, results }) };
}

export function decodeBody(record: JournalRecord): RecordBody {
  return JSON.parse(record.body) as RecordBody;
}

/** Seq of the last event. */
export function endOf(record: JournalRecord): Seq {
  return record.seq + record.count - 1;
}
