/** The body of a journal record: the events of one command and, for a batch, its results. */
import type { Event, ItemResult } from '../engine/events.ts';
import type { Millis } from '../engine/units.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { eventFrom, storedEvent, type StoredEvent } from './event-rows.ts';

export interface RecordBody {
  readonly events: readonly Event[];
  readonly results?: readonly ItemResult[];
}

/** As JSON: the events, and behind them the results where there are any. */
type StoredBody = readonly [events: readonly StoredEvent[], results?: readonly ItemResult[]];

/** `body` holds at least one event. */
export function encodeRecord({ events, results }: RecordBody, time: Millis, key: string, fingerprint: string): JournalRecord {
  const stored: StoredEvent[] = [];
  for (const event of events) stored.push(storedEvent(event));
  const body: StoredBody = results === undefined ? [stored] : [stored, results];
  return { seq: events[0]!.seq, count: events.length, time, key, fingerprint, body: JSON.stringify(body) };
}

/** Reads also what earlier versions wrote: the body as an object, each event with all its names. Throws an Error for anything else. */
export function decodeBody({ seq, body }: Pick<JournalRecord, 'seq' | 'body'>): RecordBody {
  const parsed = JSON.parse(body) as StoredBody | RecordBody;
  if (!isStored(parsed)) return named(parsed);
  const [stored, results] = parsed;
  const events: Event[] = [];
  for (let i = 0; i < stored.length; i++) events.push(eventFrom(stored[i]!, seq + i));
  return results === undefined ? { events } : { events, results };
}

function named(body: RecordBody): RecordBody {
  if (!Array.isArray(body?.events)) throw new Error('its body holds no events');
  return body;
}

function isStored(parsed: StoredBody | RecordBody): parsed is StoredBody {
  return Array.isArray(parsed);
}
