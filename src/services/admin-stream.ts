/** What administrators watch: figures, health and feeds as they change, liquidations of all markets with whose they were, and alerts. */
import type { Event } from '../engine/events.ts';
import type { Market } from '../engine/market.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { Millis } from '../engine/units.ts';
import { liquidationDocument } from '../projections/records.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import type { Catalog } from './catalog.ts';
import { logTopic, Recent } from './recent.ts';
import { namedLiquidation, type ShownLiquidation } from './liquidations.ts';
import type { Topic } from './topic.ts';

export const ADMIN_CHANNELS = ['metrics', 'health', 'feeds', 'liquidations', 'alerts'] as const;
export type AdminChannel = (typeof ADMIN_CHANNELS)[number];

export interface Alert {
  readonly level: 'info' | 'warning' | 'critical';
  /** What it is about, in snake case: `market_safety`, `market_status`, `deleveraging`, … */
  readonly kind: string;
  readonly message: string;
  readonly symbol?: string;
  readonly timestamp: number;
}

export type Source = () => object | Promise<object>;

export interface AdminStreamParts {
  readonly state: Pick<EngineReader, 'userOf' | 'kindOf' | 'markets'>;
  readonly catalog: Pick<Catalog, 'byId'>;
  /** Asked only while somebody watches. */
  readonly sources: Readonly<Record<'metrics' | 'health' | 'feeds', Source>>;
  readonly clock: () => Millis;
}

const EVERY_MS = { polled: 1_000, log: 100 } as const;
const KEPT = 500;

export class AdminStream {
  readonly #parts: AdminStreamParts;
  readonly #liquidations = new Recent<ShownLiquidation>(KEPT);
  readonly #alerts = new Recent<Alert>(KEPT);
  /** Status and safety of each market as last told. */
  readonly #markets = new Map<number, string>();

  constructor(parts: AdminStreamParts) {
    this.#parts = parts;
    for (const market of parts.state.markets) this.#markets.set(market.id, statusOf(market));
  }

  /** Liquidations of before this process, oldest first. */
  remember(liquidations: readonly ShownLiquidation[]): void {
    for (const liquidation of liquidations) this.#liquidations.push(liquidation);
  }

  /** Takes the next committed record. */
  apply(record: CommittedRecord): void {
    for (const event of record.events) this.#apply(event, record.time);
  }

  /** For what is not in the events: the journal, the feeds, the ledger audit. */
  raise(alert: Omit<Alert, 'timestamp'>): void {
    this.#alerts.push({ ...alert, timestamp: this.#parts.clock() });
  }

  topic(channel: AdminChannel): Topic {
    switch (channel) {
      case 'metrics':
      case 'health':
      case 'feeds':
        return polled(`admin:${channel}`, channel, this.#parts.sources[channel]);
      case 'liquidations':
        return logTopic(`admin:${channel}`, channel, EVERY_MS.log, this.#liquidations, (entries) => entries);
      case 'alerts':
        return logTopic(`admin:${channel}`, channel, EVERY_MS.log, this.#alerts, (entries) => entries);
    }
  }

  #apply(event: Event, time: Millis): void {
    if (event.type === 'position_liquidated') {
      const doc = liquidationDocument(event, { catalog: this.#parts.catalog, owners: this.#parts.state, time });
      this.#liquidations.push(namedLiquidation(doc));
      if (doc.adl.length > 0) this.#alerts.push({ level: 'critical', kind: 'deleveraging', symbol: doc.symbol, message: `${doc.symbol}: opposite positions were deleveraged to close a liquidated one`, timestamp: time });
    } else if (event.type === 'market_updated') {
      const { id, symbol, safety } = event.market;
      const now = statusOf(event.market);
      if (this.#markets.get(id) === now) return;
      this.#markets.set(id, now);
      const level = safety === 'halted' ? 'critical' : safety === 'reduce_only' ? 'warning' : 'info';
      this.#alerts.push({ level, kind: 'market_status', symbol, message: `${symbol} is ${now}: ${event.reason}`, timestamp: time });
    }
  }
}

function statusOf({ status, safety }: Market): string {
  return `${status}, ${safety}`;
}

/** Asks the source at each flush, and tells the answer at a later one when it differs from what was told last. */
function polled(id: string, event: string, source: Source): Topic {
  let latest: object | undefined;
  let told: string | undefined;
  let flushed = false;
  let asking: Promise<void> | undefined;
  const answer = async (): Promise<void> => {
    try {
      latest = await source();
    } catch (error) {
      latest = { error: error instanceof Error ? error.name : 'unknown' };
    }
  };
  const ask = (): Promise<void> => (asking ??= answer().finally(() => (asking = undefined)));
  return {
    id,
    subject: id,
    event,
    everyMs: EVERY_MS.polled,
    ready: async () => {
      if (latest === undefined) await ask();
    },
    flush: () => {
      void ask();
      // The first comes before anybody follows.
      if (!flushed) return void (flushed = true);
      const text = JSON.stringify(latest);
      if (text === told) return undefined;
      told = text;
      return latest;
    },
    snapshot: () => latest ?? null,
    mark: () => undefined,
    catchUp: () => latest,
  };
}
