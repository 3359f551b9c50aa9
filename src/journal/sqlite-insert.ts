/** Puts records into the journal's table with as few statements and bound values as will do: they cost more than the rows. It works within its caller's transaction, which has to be rolled back when it throws. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { recordCrc } from './chain.ts';
import type { JournalRecord } from './journal.ts';

interface Insert {
  readonly rows: number;
  readonly statement: StatementSync;
}

/** Largest first; one row last, so that any number of records can be made up of them. */
const ROWS = [16, 4, 1];

export class RecordInserts {
  readonly #keyed: readonly Insert[];
  /** For records with neither key nor fingerprint, which are nearly all. */
  readonly #keyless: readonly Insert[];

  constructor(db: DatabaseSync) {
    this.#keyed = prepare(db, '(?, ?, ?, ?, ?, ?, ?)');
    this.#keyless = prepare(db, "(?, ?, ?, '', '', ?, ?)");
  }

  /** `previousCrc`: of the record before the first. */
  run(records: readonly JournalRecord[], previousCrc: number): void {
    let crc = previousCrc;
    for (let from = 0; from < records.length; ) {
      const keyed = hasKey(records[from]!);
      let end = from + 1;
      while (end < records.length && hasKey(records[end]!) === keyed) end++;
      const inserts = keyed ? this.#keyed : this.#keyless;
      for (const { rows, statement } of inserts) {
        for (; from + rows <= end; from += rows) crc = insert(statement, records, from, from + rows, keyed, crc);
      }
    }
  }
}

function prepare(db: DatabaseSync, row: string): Insert[] {
  return ROWS.map((rows) => ({ rows, statement: db.prepare(`INSERT INTO records VALUES ${Array<string>(rows).fill(row).join(', ')}`) }));
}

function hasKey({ key, fingerprint }: JournalRecord): boolean {
  return key !== '' || fingerprint !== '';
}

/** Inserts records[from..to) and returns the last one's checksum. */
function insert(statement: StatementSync, records: readonly JournalRecord[], from: number, to: number, keyed: boolean, previousCrc: number): number {
  const values: (number | string)[] = [];
  let crc = previousCrc;
  for (let at = from; at < to; at++) {
    const record = records[at]!;
    crc = recordCrc(record, crc);
    values.push(record.seq, record.count, record.time);
    if (keyed) values.push(record.key, record.fingerprint);
    values.push(record.body, crc);
  }
  statement.run(...values);
  return crc;
}
