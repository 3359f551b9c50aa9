/** A thread that makes one snapshot: it recovers the state as a start would, with all its checks, and stores it. The leader never stops for it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Seq } from '../engine/units.ts';
import { SqliteJournalReader } from '../journal/sqlite-reader.ts';
import type { LogFields, Logger } from '../observability/logger.ts';
import { joinBackground } from '../utils/cpus.ts';
import { yieldToOthers } from '../utils/thread-priority.ts';
import { recover, takeSnapshot } from './recovery.ts';

export interface SnapshotTask {
  readonly directory: string;
  /** Of the last durable event. */
  readonly toSeq: Seq;
  readonly idLimit: number;
}

export type SnapshotMessage =
  | { readonly type: 'log'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly message: string; readonly fields: LogFields }
  | { readonly type: 'done'; readonly seq: Seq };

async function makeSnapshot({ directory, toSeq, idLimit }: SnapshotTask, logger: Logger): Promise<Seq> {
  const journal = new SqliteJournalReader(directory, logger);
  try {
    const { engine, window, time, figures } = await recover(journal, { logger, idLimit, toSeq });
    if (engine.seq > figures.snapshotSeq) await journal.saveSnapshot(takeSnapshot(engine, window, time));
    return engine.seq;
  } finally {
    journal.close();
  }
}

/** Lines go to the process's log. Errors as their message: not everything survives the way between threads. */
function forwardingLogger(send: (message: SnapshotMessage) => void): Logger {
  const write = (level: 'error' | 'warn' | 'info' | 'debug') => (message: string, fields: LogFields = {}): void => {
    const plain = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? value.message : value]);
    send({ type: 'log', level, message, fields: Object.fromEntries(plain) });
  };
  const logger: Logger = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug'), child: () => logger };
  return logger;
}

if (parentPort !== null) {
  yieldToOthers();
  joinBackground();
  const port = parentPort;
  const send = (message: SnapshotMessage): void => port.postMessage(message);
  send({ type: 'done', seq: await makeSnapshot(workerData as SnapshotTask, forwardingLogger(send)) });
}
