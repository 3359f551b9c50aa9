/** The statement of a user's wallets: the stored lines and those that fills make, as one list, newest first. */
import { MAX_LIMIT, type Collection, type Find, type Where } from '../models/collection.ts';
import { NEWEST_TRADES, type TradeDoc } from '../models/trades.ts';
import { NEWEST_TRANSACTIONS, publicTransaction, type Transaction, type TransactionDoc, type TransactionType } from '../models/transactions.ts';
import { linesOfFill } from '../projections/transactions.ts';
import { Refusal } from '../types/refusal.ts';
import type { Catalog } from './catalog.ts';
import type { Consistency } from './consistency.ts';
import { given, span, type ListQuery, type Listing } from './paging.ts';

export interface TransactionQuery extends ListQuery {
  readonly asset?: string;
  readonly type?: TransactionType;
  readonly from?: number;
  readonly to?: number;
}

export interface StatementParts {
  readonly consistency: Consistency;
  readonly catalog: Catalog;
  readonly transactions: Collection<TransactionDoc>;
  readonly trades: Collection<TradeDoc>;
}

/** Where a page ended: its last line. */
interface Position {
  readonly timestamp: number;
  readonly id: number;
}

export class Statement {
  readonly #parts: StatementParts;

  constructor(parts: StatementParts) {
    this.#parts = parts;
  }

  /** Newest first. */
  async list(userId: string, query: TransactionQuery): Promise<Listing<Transaction>> {
    const seq = await this.#parts.consistency.caughtUp();
    const after = query.cursor === undefined ? undefined : positionOf(query.cursor);
    let skip = query.offset ?? 0;
    const items: Transaction[] = [];
    for await (const line of merged(this.#stored(userId, query, after), this.#ofFills(userId, query, after))) {
      if (after !== undefined && Number(line.id) >= after.id) continue;
      if (skip-- > 0) continue;
      if (items.length === query.limit) return { items, nextCursor: cursorOf(items.at(-1)!), seq };
      items.push(line);
    }
    return { items, seq };
  }

  async *#stored(userId: string, { asset, type, ...query }: TransactionQuery, after: Position | undefined): AsyncGenerator<Transaction> {
    if (type === 'trade') return;
    const where = given({ userId, asset, type, timestamp: until(query, after) });
    for await (const doc of all(this.#parts.transactions, { where, sort: NEWEST_TRANSACTIONS, limit: enough(query) })) yield publicTransaction(doc);
  }

  /** Of the markets of the asset, so that every fill that is read makes a line; of all when these are more than a query can name. */
  async *#ofFills(userId: string, { asset, type, ...query }: TransactionQuery, after: Position | undefined): AsyncGenerator<Transaction> {
    if (type !== undefined && type !== 'trade') return;
    const { catalog, trades } = this.#parts;
    const symbols = asset === undefined ? undefined : catalog.all().filter(({ base, quote }) => base.code === asset || quote.code === asset).map(({ market }) => market.symbol);
    const where: Where<TradeDoc> = given({ userId, symbol: symbols !== undefined && symbols.length <= MAX_LIMIT ? { in: symbols } : undefined, timestamp: until(query, after) });
    for await (const fill of all(trades, { where, sort: NEWEST_TRADES, limit: enough(query) })) {
      for (const line of linesOfFill(fill, catalog.named(fill.symbol)).reverse()) if (asset === undefined || line.asset === asset) yield line;
    }
  }
}

/** Documents for the lines before the page, the page, and the one that tells whether another follows, so that few reads do. */
function enough({ limit, offset = 0 }: Pick<TransactionQuery, 'limit' | 'offset'>): number {
  return Math.min(offset + limit + 1, MAX_LIMIT);
}

/** Every document that the query finds, a page at a time. */
async function* all<T extends { readonly id: string }>(collection: Collection<T>, query: Find<T>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await collection.find({ ...query, ...(cursor !== undefined && { cursor }) });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** Both have their lines newest first; ids grow with time. */
async function* merged(...sources: [AsyncGenerator<Transaction>, AsyncGenerator<Transaction>]): AsyncGenerator<Transaction> {
  let [one, other] = await Promise.all(sources.map((source) => source.next())) as [IteratorResult<Transaction, void>, IteratorResult<Transaction, void>];
  while (one.done !== true || other.done !== true) {
    if (other.done === true || (one.done !== true && Number(one.value.id) > Number(other.value.id))) {
      yield one.value as Transaction;
      one = await sources[0].next();
    } else {
      yield other.value;
      other = await sources[1].next();
    }
  }
}

function until({ from, to }: { readonly from?: number; readonly to?: number }, after: Position | undefined): ReturnType<typeof span> {
  return span({ from, to: after === undefined ? to : Math.min(after.timestamp, to ?? Infinity) });
}

function cursorOf({ timestamp, id }: Transaction): string {
  return `t${timestamp}.${id}`;
}

function positionOf(cursor: string): Position {
  const match = /^t(\d{1,15})\.(\d{1,16})$/.exec(cursor);
  if (match === null) throw Refusal.field('cursor', 'is not the cursor of this list');
  return { timestamp: Number(match[1]), id: Number(match[2]) };
}
