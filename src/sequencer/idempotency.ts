/**
 * Tells a repeated command from a new one, by Idempotency-Key and clientOrderId. It only suspects and judges; it executes nothing. A suspect
 * is held against the record its id first led to, so that a repeat gets the first outcome, a reuse is refused, and a chance collision is new.
 */
import type { Command, NewOrder } from '../engine/commands.ts';
import type { Event, ItemResult } from '../engine/events.ts';
import { reject, type Reject } from '../engine/reject.ts';
import type { AccountId, Millis, OrderId, Seq } from '../engine/units.ts';
import { endOf, type JournalRecord } from '../journal/journal.ts';
import { hashId, type IdHash, type IdWindow } from './id-window.ts';
import type { RecordBody } from './record.ts';
import type { CommandMeta, Committed, CommittedRecord } from './sequencer.ts';

/** Keeps keys apart from client order ids, whose scope is the account. */
const KEY_SCOPE = -1;

/** A record and what is in it, durable or on its way there. */
export interface Source {
  readonly record: JournalRecord;
  readonly body: RecordBody;
}

export interface IdLookup {
  readonly window: IdWindow;
  openOrder(account: AccountId, clientOrderId: string): OrderId | undefined;
  /** The record that holds event `seq`; undefined = it has to be loaded first. */
  source(seq: Seq): Source | undefined;
}

export type Verdict =
  | { readonly kind: 'new' }
  /** Load the records of these events, then ask again. */
  | { readonly kind: 'load'; readonly seqs: readonly Seq[] }
  | { readonly kind: 'refuse'; readonly refusal: Reject }
  | { readonly kind: 'replay'; readonly committed: Committed }
  /** Some items are repeats: execute `command`, which holds the others, and put the results together. */
  | { readonly kind: 'partial'; readonly command: Command; readonly merge: (results: readonly ItemResult[]) => ItemResult[]; readonly earlier: readonly CommittedRecord[] };

/** Puts the ids of a record into the window. */
export function rememberIds(window: IdWindow, record: JournalRecord, events: readonly Event[]): void {
  if (record.key !== '') window.add(hashId(KEY_SCOPE, record.key), record.seq, record.time);
  for (const event of events) {
    if (event.type === 'order_accepted' && event.order.clientOrderId !== '') {
      window.add(hashId(event.account, event.order.clientOrderId), event.seq, record.time);
    }
  }
}

/** Whether any id of the command may have been used before. Cheap: one probe an id. False is certain. */
export function isSuspect(command: Command, meta: CommandMeta | undefined, ids: Pick<IdLookup, 'window' | 'openOrder'>, now: Millis): boolean {
  ids.window.expire(now);
  const key = meta?.idempotencyKey ?? '';
  if (key !== '' && ids.window.has(keyHash(key))) return true;
  switch (command.type) {
    case 'place_order':
      return isUsed(command.account, command.order.clientOrderId, ids);
    case 'place_orders':
      return anyUsed(command.account, command.orders, ids);
    case 'replace_orders':
      return anyUsed(command.account, command.place, ids);
    default:
      return false;
  }
}

/** Decides about a suspect. Call again after a `load`; it is decided when the answer is anything else. */
export function judge(command: Command, meta: CommandMeta | undefined, ids: IdLookup): Verdict {
  const missing = new Set<Seq>();
  const loading: IdLookup = {
    window: ids.window,
    openOrder: (account, id) => ids.openOrder(account, id),
    source: (seq) => {
      const source = ids.source(seq);
      if (source === undefined) missing.add(seq);
      return source;
    },
  };
  const byKey = judgeKey(meta, loading);
  if (missing.size > 0) return { kind: 'load', seqs: [...missing] };
  if (byKey !== undefined) return byKey;
  const byOrder = judgeOrders(command, loading);
  return missing.size > 0 ? { kind: 'load', seqs: [...missing] } : byOrder;
}

function keyHash(key: string): IdHash {
  return hashId(KEY_SCOPE, key);
}

function isUsed(account: AccountId, id: string, ids: Pick<IdLookup, 'window' | 'openOrder'>): boolean {
  return id !== '' && (ids.window.has(hashId(account, id)) || ids.openOrder(account, id) !== undefined);
}

function anyUsed(account: AccountId, orders: readonly NewOrder[], ids: Pick<IdLookup, 'window' | 'openOrder'>): boolean {
  const seen = new Set<string>();
  for (const { clientOrderId } of orders) {
    if (clientOrderId === '') continue;
    if (seen.has(clientOrderId) || isUsed(account, clientOrderId, ids)) return true;
    seen.add(clientOrderId);
  }
  return false;
}

function judgeKey(meta: CommandMeta | undefined, ids: IdLookup): Verdict | undefined {
  const key = meta?.idempotencyKey ?? '';
  if (key === '') return undefined;
  for (const seq of ids.window.find(keyHash(key))) {
    const source = ids.source(seq);
    if (source === undefined || source.record.key !== key) continue;
    if (source.record.fingerprint !== (meta?.fingerprint ?? '')) {
      return { kind: 'refuse', refusal: reject('CONFLICT', 'This Idempotency-Key was used for another request in the last 24 hours; send a new key, or the same request again.') };
    }
    return { kind: 'replay', committed: replayOf(source, ids) };
  }
  return undefined;
}

/** A batch may have answered some items with orders of earlier records: their events come first. */
function replayOf(source: Source, ids: IdLookup): Committed {
  const { record, body } = source;
  const mentioned = new Set(body.events.map(orderOf));
  const elsewhere = (body.results ?? []).flatMap((result) => (result.ok && !mentioned.has(result.order) ? ids.source(result.order) ?? [] : []));
  return { ok: true, seq: endOf(record), time: record.time, ...withEarlier(recordsOf(elsewhere), body.events), results: body.results, replayed: true };
}

function orderOf(event: Event): OrderId {
  return event.type === 'order_closed' || event.type === 'order_amended' ? event.order : event.seq;
}

/** Each once, in order. */
function recordsOf(sources: readonly Source[]): CommittedRecord[] {
  const distinct = new Map(sources.map((source) => [source.record.seq, source]));
  return [...distinct.values()].sort((a, b) => a.record.seq - b.record.seq).map(({ record, body }) => ({ seq: endOf(record), time: record.time, events: body.events }));
}

/** What a command came to that led to earlier records besides. */
export function withEarlier(earlier: readonly CommittedRecord[], events: readonly Event[]): Pick<Committed, 'events' | 'earlier'> {
  return earlier.length === 0 ? { events } : { events: [...earlier.flatMap((record) => record.events), ...events], earlier };
}

interface FirstUse {
  readonly id: OrderId;
  readonly order: NewOrder;
  readonly source: Source;
}

function firstUse(account: AccountId, clientOrderId: string, ids: IdLookup): FirstUse | undefined {
  const open = ids.openOrder(account, clientOrderId);
  for (const seq of [...ids.window.find(hashId(account, clientOrderId)), ...(open === undefined ? [] : [open])]) {
    const source = ids.source(seq);
    const event = source?.body.events[seq - source.record.seq];
    if (source === undefined || event?.type !== 'order_accepted') continue;
    if (event.account === account && event.order.clientOrderId === clientOrderId) return { id: seq, order: event.order, source };
  }
  return undefined;
}

/** `accepted` is what the journal says: a reduce-only order is accepted with what was left to reduce, which may be less than was asked for. */
function sameOrder(asked: NewOrder, accepted: NewOrder): boolean {
  const keys = Object.keys(asked) as (keyof NewOrder)[];
  const cutDown = asked.reduceOnly && accepted.quantity < asked.quantity;
  return keys.length === Object.keys(accepted).length && keys.every((key) => asked[key] === accepted[key] || (key === 'quantity' && cutDown));
}

/** What becomes of one item of a batch. `same`: as the item at that index. */
type Item = { readonly kind: 'new' } | { readonly kind: 'same'; readonly as: number } | { readonly kind: 'known'; readonly result: ItemResult; readonly source?: Source };

function judgeOrders(command: Command, ids: IdLookup): Verdict {
  switch (command.type) {
    case 'place_order': {
      const [item] = judgeItems(command.account, [command.order], ids) as [Item];
      if (item.kind !== 'known') return { kind: 'new' };
      return item.source === undefined ? { kind: 'refuse', refusal: item.result as Reject } : replayItems([item], []);
    }
    case 'place_orders': {
      const items = judgeItems(command.account, command.orders, ids);
      const orders = command.orders.filter((_, index) => items[index]!.kind === 'new');
      return judgeBatch(items, { ...command, orders }, orders.length, 0);
    }
    case 'replace_orders': {
      const items = judgeItems(command.account, command.place, ids);
      const place = command.place.filter((_, index) => items[index]!.kind === 'new');
      return judgeBatch(items, { ...command, place }, place.length + command.cancel.length, command.cancel.length);
    }
    default:
      return { kind: 'new' };
  }
}

function judgeItems(account: AccountId, orders: readonly NewOrder[], ids: IdLookup): Item[] {
  const inBatch = new Map<string, number>();
  return orders.map((order, index): Item => {
    const { clientOrderId } = order;
    if (clientOrderId === '') return { kind: 'new' };
    const first = firstUse(account, clientOrderId, ids);
    if (first !== undefined) {
      return sameOrder(order, first.order) ? { kind: 'known', result: { ok: true, order: first.id }, source: first.source } : { kind: 'known', result: duplicate(clientOrderId) };
    }
    const as = inBatch.get(clientOrderId);
    if (as !== undefined) return sameOrder(order, orders[as]!) ? { kind: 'same', as } : { kind: 'known', result: duplicate(clientOrderId) };
    inBatch.set(clientOrderId, index);
    return { kind: 'new' };
  });
}

function duplicate(clientOrderId: string): Reject {
  return reject('DUPLICATE_CLIENT_ORDER_ID', `clientOrderId ${clientOrderId} was used for a different order that is open or less than 24 hours old; choose another.`);
}

/** `remaining`: how much there is left to execute; `offset`: how many results come before the items'. */
function judgeBatch(items: readonly Item[], command: Command, remaining: number, offset: number): Verdict {
  if (items.every((item) => item.kind === 'new')) return { kind: 'new' };
  const merge = (results: readonly ItemResult[]): ItemResult[] => mergeResults(items, results, offset);
  if (remaining === 0) return replayItems(items, merge([]));
  return { kind: 'partial', command, merge, earlier: recordsOf(sourcesOf(items)) };
}

function mergeResults(items: readonly Item[], results: readonly ItemResult[], offset: number): ItemResult[] {
  const merged = results.slice(0, offset);
  let next = offset;
  for (const item of items) {
    if (item.kind === 'known') merged.push(item.result);
    else merged.push(item.kind === 'new' ? results[next++]! : merged[offset + item.as]!);
  }
  return merged;
}

function sourcesOf(items: readonly Item[]): Source[] {
  return items.flatMap((item) => (item.kind === 'known' && item.source !== undefined ? [item.source] : []));
}

/** All items are known. With a `results` array only for batches. */
function replayItems(items: readonly Item[], results: readonly ItemResult[]): Verdict {
  const records = recordsOf(sourcesOf(items));
  const last = records.at(-1);
  const committed: Committed = {
    ok: true,
    seq: last?.seq ?? 0,
    time: last?.time ?? 0,
    ...(records.length > 1 ? withEarlier(records, []) : { events: last?.events ?? [] }),
    results: results.length > 0 ? results : undefined,
    replayed: true,
  };
  return { kind: 'replay', committed };
}
