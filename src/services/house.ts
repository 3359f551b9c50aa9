/**
 * House market makers: ordinary accounts, one per market, that quote a ladder around the index so that the venue trades from the first minute. They use the same commands as
 * everybody, a few per second in all, and are found again in the engine's state after a restart. Where the index is not to be trusted they quote nothing.
 */
import type { Command, NewOrder } from '../engine/commands.ts';
import type { Market } from '../engine/market.ts';
import type { EngineReader } from '../engine/reader.ts';
import type { Reject } from '../engine/reject.ts';
import { type AccountId, type Amount, assertNever, type MarketId, type Ticks, type WalletType } from '../engine/units.ts';
import type { Logger } from '../observability/logger.ts';
import { isMarketEvent, type MarketEvent } from '../projections/market-events.ts';
import type { Committed, Sequencer } from '../sequencer/sequencer.ts';
import type { Clock } from '../utils/clock.ts';
import { OperatingError } from '../utils/errors.ts';
import { changes, ladder, LADDER, sideNotional, type LadderConfig, type Quote } from './house-ladder.ts';
import { HouseTrouble } from './house-trouble.ts';

export interface HouseParts {
  readonly sequencer: Sequencer;
  readonly logger: Logger;
  readonly clock: Clock;
  /** false (HOUSE=off): whatever still stands in the books is canceled, nothing is quoted. */
  readonly enabled: boolean;
  /** An index older than this is not quoted around; absent with prices set by hand, which stay until they are set again. */
  readonly freshMs?: number;
  readonly ladder?: Partial<LadderConfig>;
  /** Time between two commands of all makers together. */
  readonly paceMs?: number;
}

const PACE_MS = 250;
/** Least time between two refreshes of one market, and after one of its quotes was hit. */
const REFRESH_MS = 2_000;
const REFILL_MS = 500;
/** After a refusal. */
const RETRY_MS = 5_000;
/** Money for so many ladders is put in when there is less than for `LOW`. */
const FULL = 3;
const LOW = 1.2;
/** Fully funded positions: a maker is not liquidated by what it quotes. */
const LEVERAGE = 1;
/** A perpetual's centre keeps within this share of its price band around the mark. */
const BAND_SHARE = 0.5;

interface Desk {
  dirty: boolean;
  notBeforeMs: number;
}

export class HouseMakers {
  readonly #sequencer: Sequencer;
  readonly #logger: Logger;
  readonly #trouble: HouseTrouble;
  readonly #clock: Clock;
  readonly #parts: HouseParts;
  readonly #config: LadderConfig;
  readonly #desks = new Map<MarketId, Desk>();
  #cursor = 0;
  #unsubscribe: () => void = () => undefined;
  #cancel: () => void = () => undefined;
  #working: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: HouseParts) {
    this.#parts = parts;
    this.#sequencer = parts.sequencer;
    this.#clock = parts.clock;
    this.#logger = parts.logger.child({ part: 'house' });
    this.#trouble = new HouseTrouble(this.#logger);
    this.#config = { ...LADDER, ...parts.ladder };
  }

  start(): void {
    for (const { id } of this.#state.markets) this.#wake(id, 0);
    this.#unsubscribe = this.#sequencer.onCommitted(({ events }) => {
      for (const event of events) if (isMarketEvent(event)) this.#follow(event);
    });
    this.#schedule();
  }

  /** Its orders stay in the books: it goes on with them after a restart. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    this.#unsubscribe();
    await this.#working;
  }

  get #state(): EngineReader {
    return this.#sequencer.state;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#clock.after(this.#parts.paceMs ?? PACE_MS, () => {
      this.turn();
      this.#schedule();
    });
  }

  /** At most one command, for the next market that needs one; none while another is under way. Called by the timer. */
  turn(): void {
    if (this.#working !== undefined) return;
    const now = this.#clock.now();
    const { markets } = this.#state;
    for (let step = 0; step < markets.length; step++) {
      const market = markets[(this.#cursor + step) % markets.length];
      const desk = this.#desks.get(market.id);
      if (desk === undefined || !desk.dirty || now < desk.notBeforeMs) continue;
      const command = this.#commandFor(market);
      if (command === undefined) {
        desk.dirty = false;
        continue;
      }
      this.#cursor = (this.#cursor + step + 1) % markets.length;
      this.#working = this.#submit(command, market, desk).then((done) => {
        this.#working = undefined;
        // Setting up an account takes several commands, once: quotes need not wait a pace for each.
        if (done && command.type !== 'replace_orders' && command.type !== 'cancel_orders' && !this.#stopped) this.turn();
      });
      return;
    }
  }

  /** Whether it was accepted. Never rejects. */
  async #submit(command: Command, market: Market, desk: Desk): Promise<boolean> {
    try {
      const outcome = await this.#sequencer.submit(command);
      this.#tell(command, market, outcome);
      const quoted = command.type === 'replace_orders' || command.type === 'cancel_orders';
      desk.notBeforeMs = this.#clock.now() + (outcome.ok ? (quoted ? REFRESH_MS : 0) : RETRY_MS);
      return outcome.ok;
    } catch (error) {
      const code = error instanceof OperatingError ? error.code : 'INTERNAL';
      this.#trouble.met(market.symbol, code, { command: command.type, reason: error instanceof Error ? error.message : String(error) });
      desk.notBeforeMs = this.#clock.now() + RETRY_MS;
      return false;
    }
  }

  /** Single orders that are refused where the rest stands on both sides are no trouble: somebody else's may be in their way. */
  #tell({ type }: Command, market: Market, outcome: Committed | Reject): void {
    const { symbol } = market;
    const refused = outcome.ok ? outcome.results?.find((result) => !result.ok) : outcome;
    if (refused === undefined || refused.ok) {
      if (type === 'replace_orders') this.#trouble.over(symbol);
      return;
    }
    const { code, detail } = refused;
    this.#logger.debug('a house command was refused', { symbol, type, code, detail });
    if (!outcome.ok || !this.#stands(market)) this.#trouble.met(symbol, code, { command: type, reason: detail });
    else this.#trouble.over(symbol);
  }

  /** Whether it has orders on both sides of the book. */
  #stands(market: Market): boolean {
    const account = this.#state.accountOf(userOf(market));
    return account !== undefined && new Set(this.#state.openOrders(account, market.id).map(({ side }) => side)).size === 2;
  }

  /** What brings this market one step nearer to its ladder; undefined: nothing to do. */
  #commandFor(market: Market): Command | undefined {
    const account = this.#state.accountOf(userOf(market));
    const centre = this.#centre(market);
    if (centre === undefined) {
      const stands = account !== undefined && this.#state.openOrders(account, market.id).length > 0;
      return stands ? { type: 'cancel_orders', account, market: market.id } : undefined;
    }
    if (account === undefined) return { type: 'open_account', userId: userOf(market), kind: 'house' };
    if (market.type === 'perpetual' && this.#state.leverage(account, market.id) !== LEVERAGE) return { type: 'set_leverage', account, market: market.id, leverage: LEVERAGE };
    return this.#funding(market, account, centre) ?? this.#quoting(market, account, centre);
  }

  /** The price to quote around; undefined: this market is not to be quoted now. */
  #centre(market: Market): Ticks | undefined {
    if (!this.#parts.enabled || !market.house || market.status !== 'open' || market.safety !== 'normal') return undefined;
    const { index, mark, updatedAt } = this.#state.prices(market.id);
    const { freshMs } = this.#parts;
    if (index === 0 || (freshMs !== undefined && this.#clock.now() - updatedAt > freshMs)) return undefined;
    if (market.type === 'spot' || mark === 0 || market.priceBand === 0) return index;
    const reach = (mark * market.priceBand * BAND_SHARE) / 1_000_000;
    return Math.round(Math.min(mark + reach, Math.max(mark - reach, index)));
  }

  /** A deposit where a wallet runs low. */
  #funding(market: Market, account: AccountId, centre: Ticks): Command | undefined {
    const need = sideNotional(this.#config) * this.#unitsPerDollar(market);
    const quote = this.#state.balance(account, market.quoteAsset);
    if (market.type === 'perpetual') {
      return deposit(account, market.quote, 'futures', quote.futuresAvailable + quote.futuresLocked, 2 * need);
    }
    const base = this.#state.balance(account, market.baseAsset);
    const baseNeed = (need / (centre * market.quotePerTickLot)) * market.basePerLot;
    return deposit(account, market.quote, 'spot', quote.spotAvailable + quote.spotLocked, need)
      ?? deposit(account, market.base, 'spot', base.spotAvailable + base.spotLocked, baseNeed);
  }

  #quoting(market: Market, account: AccountId, centre: Ticks): Command | undefined {
    const unitsPerDollar = this.#unitsPerDollar(market);
    const wanted = ladder(this.#config, { market, centre, inventory: this.#inventory(market, account, centre), unitsPerDollar });
    const { cancel, place } = changes(this.#config, wanted, this.#state.openOrders(account, market.id));
    if (cancel.length === 0 && place.length === 0) return undefined;
    return { type: 'replace_orders', account, cancel, place: place.map((quote) => orderOf(market.id, quote)) };
  }

  /** Position, or base held beyond what it was funded with, over the notional of one side. */
  #inventory(market: Market, account: AccountId, centre: Ticks): number {
    const limit = sideNotional(this.#config) * this.#unitsPerDollar(market);
    if (market.type === 'perpetual') return ((this.#state.position(account, market.id)?.size ?? 0) * centre * market.quotePerTickLot) / limit;
    const { spotAvailable, spotLocked } = this.#state.balance(account, market.baseAsset);
    const value = ((spotAvailable + spotLocked) / market.basePerLot) * centre * market.quotePerTickLot;
    return (value - FULL * limit) / (FULL * limit);
  }

  /** Minor units of quote that are worth a dollar: by the index of QUOTE-USDT where the quote is not itself one. */
  #unitsPerDollar(market: Market): number {
    const { scale } = this.#state.assets[market.quoteAsset];
    const against = this.#state.market(`${market.quote}-USDT`);
    const index = against === undefined ? 0 : this.#state.prices(against.id).index;
    if (against === undefined || index === 0) return 10 ** scale;
    const dollarsPerUnit = (index * against.quotePerTickLot) / 10 ** this.#state.assets[against.quoteAsset].scale / (against.basePerLot / 10 ** scale);
    return 10 ** scale / dollarsPerUnit;
  }

  #follow(event: MarketEvent): void {
    switch (event.type) {
      case 'prices_updated':
        this.#wake(event.market, 0);
        break;
      case 'market_created':
      case 'market_updated':
        this.#wake(event.market.id, 0);
        break;
      case 'trade':
        if (this.#isHouse(event.maker.account) || this.#isHouse(event.taker.account)) this.#wake(event.market, REFILL_MS);
        break;
      case 'funding_started':
      case 'funding_settled':
        // Nothing that changes what a maker wants.
        break;
      default:
        assertNever(event);
    }
  }

  #isHouse(account: AccountId): boolean {
    return this.#state.kindOf(account) === 'house';
  }

  /** A look at the market no later than in `withinMs`, where it waits for longer than that. */
  #wake(id: MarketId, withinMs: number): void {
    const desk = this.#desks.get(id);
    if (desk === undefined) {
      this.#desks.set(id, { dirty: true, notBeforeMs: 0 });
      return;
    }
    desk.dirty = true;
    if (withinMs > 0) desk.notBeforeMs = Math.min(desk.notBeforeMs, this.#clock.now() + withinMs);
  }
}

function userOf(market: Market): string {
  return `house:${market.id}`;
}

function deposit(account: AccountId, asset: string, wallet: WalletType, held: Amount, need: number): Command | undefined {
  return held >= LOW * need ? undefined : { type: 'deposit', account, asset, wallet, amount: Math.ceil(FULL * need - held) };
}

function orderOf(market: MarketId, { side, price, quantity }: Quote): NewOrder {
  return {
    market, side, type: 'limit', price, quantity, timeInForce: 'GTC', postOnly: true, reduceOnly: false, selfTradePrevention: 'expire_taker', clientOrderId: '',
  };
}
