/** Records on their way to the journal's thread: plain values side by side, which cost less to hand over than objects. Keys, which few records have, travel apart. */
import type { JournalRecord } from './journal.ts';

export interface FlatRecords {
  /** seq, count, time and body of each record. */
  readonly values: readonly (number | string)[];
  /** Index, key and fingerprint of each record that has one of them. */
  readonly keys: readonly (number | string)[];
}

const VALUES_PER_RECORD = 4;
const VALUES_PER_KEY = 3;

export function flatten(records: readonly JournalRecord[]): FlatRecords {
  const values: (number | string)[] = [];
  const keys: (number | string)[] = [];
  for (let index = 0; index < records.length; index++) {
    const { seq, count, time, key, fingerprint, body } = records[index]!;
    values.push(seq, count, time, body);
    if (key !== '' || fingerprint !== '') keys.push(index, key, fingerprint);
  }
  return { values, keys };
}

/** The records of several appends, one after the other. */
export function unflatten(appends: readonly FlatRecords[]): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (const { values, keys } of appends) {
    let nextKey = 0;
    for (let index = 0, at = 0; at < values.length; index++, at += VALUES_PER_RECORD) {
      const keyed = keys[nextKey] === index;
      records.push({
        seq: values[at] as number,
        count: values[at + 1] as number,
        time: values[at + 2] as number,
        key: keyed ? (keys[nextKey + 1] as string) : '',
        fingerprint: keyed ? (keys[nextKey + 2] as string) : '',
        body: values[at + 3] as string,
      });
      if (keyed) nextKey += VALUES_PER_KEY;
    }
  }
  return records;
}
