/** Adds the ledger up while everything else goes on: what is found is how it stood at one moment, however many accounts there are. */
import { setImmediate as turn } from 'node:timers/promises';
import type { AuditRow, EngineReader } from '../engine/reader.ts';
import type { Seq } from '../engine/units.ts';

/** Accounts, each in one asset, that are added up in one turn of the event loop: a fraction of a millisecond. */
const ACCOUNTS_A_TURN = 32_768;

export interface AuditedLedger {
  /** Of the last event that is in it. */
  readonly seq: Seq;
  readonly rows: readonly AuditRow[];
}

export async function auditLedger(state: Pick<EngineReader, 'beginAudit'>): Promise<AuditedLedger> {
  const audit = state.beginAudit();
  while (!audit.step(ACCOUNTS_A_TURN)) await turn();
  return { seq: audit.seq, rows: audit.rows() };
}
