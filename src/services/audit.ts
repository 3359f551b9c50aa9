/** The audit log: who did what, before and after, from where. Append-only and hash-chained: an entry that was changed, removed or put between others breaks the chain. */
import { createHash } from 'node:crypto';
import { auditlogs, type AuditLogDoc } from '../models/auditlogs.ts';
import type { Collection, Store } from '../models/collection.ts';
import type { Metrics } from '../observability/metrics.ts';

export interface AuditEntry {
  /** The acting user's id, or `system`. */
  readonly actor: string;
  /** `noun.verb`: `market.update`, `auth.login`. */
  readonly action: string;
  /** What it was done to; default nothing in particular. */
  readonly target?: string;
  /** Default ok. */
  readonly outcome?: 'ok' | 'refused';
  /** Without secrets. */
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly ip: string;
  readonly requestId: string;
}

/** Where a chain breaks. */
export interface ChainBreak {
  readonly seq: number;
  readonly reason: string;
}

/** Follows a chain from its first entry on. As long as nothing breaks it, every entry is as it was written and none is missing before the last. */
export class AuditChain {
  #last: Pick<AuditLogDoc, 'seq' | 'hash' | 'timestamp'> = { seq: 0, hash: '', timestamp: 0 };

  /** seq 0: none yet. */
  get last(): Pick<AuditLogDoc, 'seq' | 'hash' | 'timestamp'> {
    return this.#last;
  }

  /** undefined: it is the next one. */
  follow(doc: AuditLogDoc): ChainBreak | undefined {
    const { seq, hash } = this.#last;
    if (doc.seq !== seq + 1) return { seq: seq + 1, reason: 'the entry is missing' };
    if (doc.previousHash !== hash) return { seq: doc.seq, reason: 'it does not follow the entry before it' };
    if (doc.hash !== hashOf(doc)) return { seq: doc.seq, reason: 'its content is not what was written' };
    this.#last = doc;
    return undefined;
  }
}

const ID_DIGITS = 12;
/** Entries that may wait for the store before callers are told to wait. */
const MAX_WAITING = 1_000;

export class AuditLog {
  readonly #collection: Collection<AuditLogDoc>;
  readonly #clock: () => number;
  readonly #metrics: Pick<Metrics, 'auditFailures'> | undefined;
  #tail: { seq: number; hash: string } | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param clock true wall time, ms: entries are held against the records of other machines. */
  constructor(store: Store, clock: () => number, metrics?: Pick<Metrics, 'auditFailures'>) {
    this.#collection = store.collection(auditlogs);
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Resolves when the entry is stored. What cannot be recorded must not happen: callers await it before they act, or fail with it. */
  record(entry: AuditEntry): Promise<void> {
    if (this.#waiting >= MAX_WAITING) {
      this.#metrics?.auditFailures.inc();
      return Promise.reject(new Error('the audit log does not keep up'));
    }
    this.#waiting++;
    const written = this.#queue.then(() => this.#append(entry)).finally(() => this.#waiting--);
    this.#queue = written.catch(() => this.#metrics?.auditFailures.inc());
    return written;
  }

  async #append(entry: AuditEntry): Promise<void> {
    const tail = this.#tail ?? (await this.#readTail());
    this.#tail = undefined;
    const seq = tail.seq + 1;
    const unsigned = {
      id: String(seq).padStart(ID_DIGITS, '0'),
      seq,
      timestamp: this.#clock(),
      actor: entry.actor,
      action: entry.action,
      target: entry.target ?? '',
      outcome: entry.outcome ?? 'ok',
      ip: entry.ip,
      requestId: entry.requestId,
      before: entry.before ?? null,
      after: entry.after ?? null,
      previousHash: tail.hash,
    } as const;
    const doc = { ...unsigned, hash: hashOf(unsigned) };
    await this.#collection.insert(doc);
    this.#tail = doc;
  }

  /** From the store at start and after every failed insert, which leaves unknown what was stored. */
  async #readTail(): Promise<{ seq: number; hash: string }> {
    const { items } = await this.#collection.find({ sort: { seq: -1 }, limit: 1 });
    return items[0] ?? { seq: 0, hash: '' };
  }
}

function hashOf(doc: Omit<AuditLogDoc, 'hash'>): string {
  const fields = [doc.id, doc.seq, doc.timestamp, doc.actor, doc.action, doc.target, doc.outcome, doc.ip, doc.requestId, canonical(doc.before), canonical(doc.after), doc.previousHash];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** The same value always as the same text, in whatever order a store gives its fields back. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const present = Object.entries(value).filter(([, item]) => item !== undefined);
  return present.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, canonical(item)]);
}
