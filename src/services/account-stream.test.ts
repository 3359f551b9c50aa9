import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../tests/simulation/random.ts';
import { founding, World } from '../../tests/simulation/world.ts';
import type { Command } from '../engine/commands.ts';
import { Engine } from '../engine/engine.ts';
import { Kit, PERP } from '../../tests/support/engine-kit.ts';
import { ALICE, found, openMemoryLeader, Clock, place } from '../../tests/support/fixture.ts';
import { Fuzz } from '../../tests/support/fuzz.ts';
import { MemoryDisk } from '../../tests/support/memory-journal.ts';
import type { Order } from '../models/orders.ts';
import { publicOrder } from '../models/orders.ts';
import type { Wallet } from '../models/wallets.ts';
import { orderFromView } from '../projections/orders.ts';
import { deltaOf, snapshotOf } from '../projections/book-messages.ts';
import { OrderBooks } from '../projections/order-books.ts';
import type { CommittedRecord } from '../sequencer/sequencer.ts';
import { BookClient } from '../../tests/support/book-client.ts';
import { ACCOUNT_CHANNELS, AccountStream, type AccountChannel, type FundingPayment } from './account-stream.ts';
import { Catalog } from './catalog.ts';
import type { ShownLiquidation } from './liquidations.ts';
import { positionInfo, type Position } from './positions.ts';
import { walletsOf } from './wallets.ts';

const COMMANDS = 6_000;
/** Commands that are executed before the first of them is durable. */
const AHEAD = 7;

/** What is executed at once and committed later, as the sequencer does it. */
class Pipeline {
  readonly engine: Engine;
  readonly state: Engine;
  readonly #listeners: ((record: CommittedRecord) => void)[] = [];
  readonly #records: CommittedRecord[] = [];
  #barriers: { readonly seq: number; readonly resolve: () => void }[] = [];
  #time = Date.UTC(2024, 0, 1);
  committedSeq = 0;

  constructor(fundingPage?: number, engine = Engine.create(fundingPage)) {
    this.engine = this.state = engine;
    this.committedSeq = engine.seq;
  }

  readonly barrier = (): Promise<void> => {
    const { seq } = this.engine;
    return seq <= this.committedSeq ? Promise.resolve() : new Promise((resolve) => this.#barriers.push({ seq, resolve }));
  };

  onCommitted(listener: (record: CommittedRecord) => void): void {
    this.#listeners.push(listener);
  }

  execute(command: Command): void {
    // Funding falls due now and then.
    this.#time += command.type === 'advance_time' ? 3_600_000 : 137;
    if ((this.engine.nextTimer() ?? Infinity) <= this.#time) this.#run({ type: 'advance_time' });
    this.#run(command);
  }

  #run(command: Command): void {
    const outcome = this.engine.execute(command, this.#time);
    if (outcome.ok && outcome.events.length > 0) this.#records.push({ seq: this.engine.seq, time: this.#time, events: outcome.events });
  }

  /** All but the last `kept` records. */
  commit(kept = 0): void {
    for (const record of this.#records.splice(0, Math.max(0, this.#records.length - kept))) {
      this.committedSeq = record.seq;
      for (const listener of this.#listeners) listener(record);
    }
    const due = this.#barriers.filter(({ seq }) => seq <= this.committedSeq);
    this.#barriers = this.#barriers.filter(({ seq }) => seq > this.committedSeq);
    for (const { resolve } of due) resolve();
  }
}

/** What a user has who keeps the last message of each thing. */
class Listener {
  readonly orders = new Map<string, Order>();
  readonly wallets = new Map<string, Wallet>();
  readonly positions = new Map<string, Position>();
  readonly last = new Map<AccountChannel, number>();
  /** What it listens to. */
  channels = new Set<AccountChannel>(ACCOUNT_CHANNELS);

  /** As one who asks for what is current before the messages go on. */
  snapshot(account: number, engine: Engine, catalog: Catalog): void {
    for (const map of [this.orders, this.positions, this.wallets]) map.clear();
    for (const view of engine.openOrders(account)) this.orders.set(String(view.id), publicOrder(orderFromView(view, { catalog, owners: engine })));
    for (const view of engine.positions(account)) if (view.size !== 0) this.positions.set(catalog.byId(view.market).market.symbol, positionInfo(view, catalog.byId(view.market)));
    for (const balance of engine.balances(account)) for (const wallet of walletsOf(balance, engine.assets[balance.asset], engine.seq)) this.wallets.set(`${wallet.account} ${wallet.asset}`, wallet);
  }

  take(channel: AccountChannel, message: { readonly seq: number }): void {
    // Those two are told a moment later: what was on its way when nobody listened any more is dropped by the sockets.
    if (!this.channels.has(channel) && (channel === 'balance' || channel === 'position')) return;
    assert.ok(this.channels.has(channel), `${channel}, which nobody listens to`);
    assert.ok(message.seq >= (this.last.get(channel) ?? 0), `${channel} ${message.seq} after ${this.last.get(channel)}`);
    this.last.set(channel, message.seq);
    if (channel === 'order') {
      const order = message as Order;
      if (order.status === 'new' || order.status === 'partially_filled') this.orders.set(order.id, order);
      else this.orders.delete(order.id);
    } else if (channel === 'balance') {
      const wallet = message as Wallet;
      this.wallets.set(`${wallet.account} ${wallet.asset}`, wallet);
    } else if (channel === 'position') {
      const position = message as Position;
      if (position.status === 'open') this.positions.set(position.symbol, position);
      else this.positions.delete(position.symbol);
    }
  }
}

for (const seed of [1, 2]) {
  test(`listeners know all that is true of their accounts, and nothing before it is durable, seed ${seed}`, async () => {
    const random = new Random(seed);
    // In one of them funding is settled in pages.
    const pipeline = new Pipeline(seed === 2 ? 2 : undefined);
    const { engine } = pipeline;
    const catalog = new Catalog(engine);
    const world = new World(random, () => engine);
    const stream = new AccountStream({ sequencer: pipeline, catalog });
    const listeners = new Map<number, Listener>();
    const channels = new Map<AccountChannel, number>();
    stream.onMessage((account, channel, message) => {
      assert.ok(message.seq <= pipeline.committedSeq, `${channel} ${message.seq} told at ${pipeline.committedSeq}`);
      if (channel === 'liquidation') assert.equal((message as ShownLiquidation).userId, engine.userOf(account));
      channels.set(channel, (channels.get(channel) ?? 0) + 1);
      listeners.get(account)?.take(channel, message);
    });
    for (const command of founding()) pipeline.execute(command);
    pipeline.commit();
    pipeline.onCommitted((record) => stream.apply(record));

    for (let i = 0; i < COMMANDS; i++) {
      pipeline.execute(world.command());
      // Somebody connects in the middle of it, with commands in flight.
      const account = 2 + random.between(0, 19);
      if (random.chance(0.01) && !listeners.has(account)) {
        const listener = new Listener();
        listener.snapshot(account, engine, catalog);
        listeners.set(account, listener);
        void stream.follow(account);
      }
      // Somebody narrows or widens what they listen to. What was told of it before is durable.
      const changing = listeners.get(account);
      if (changing !== undefined && random.chance(0.05)) {
        pipeline.commit();
        await new Promise(setImmediate);
        changing.channels = new Set(random.chance(0.5) ? ACCOUNT_CHANNELS : ACCOUNT_CHANNELS.filter(() => random.chance(0.5)));
        for (let ahead = random.between(0, 3); ahead > 0; ahead--) pipeline.execute(world.command());
        changing.snapshot(account, engine, catalog);
        void stream.follow(account, [...changing.channels]);
      }
      if (i % AHEAD > 0) continue;
      const check = i % (AHEAD * 20) === 0;
      pipeline.commit(check ? 0 : random.between(0, 3));
      await new Promise(setImmediate);
      if (!check) continue;
      for (const [who, listener] of listeners) assertKnows(listener, who, engine, catalog);
    }
    assert.deepEqual([...channels.keys()].sort(), ['balance', 'fill', 'funding', 'liquidation', 'marginCall', 'order', 'position']);
  });

  test(`the order books are the engine's after any commands, and so are a client's, seed ${seed}`, () => {
    const random = new Random(seed);
    const pipeline = new Pipeline();
    const { engine } = pipeline;
    const world = new World(random, () => engine);
    for (const command of founding()) pipeline.execute(command);
    for (let i = 0; i < 500; i++) pipeline.execute(world.command());
    pipeline.commit();
    const books = new OrderBooks(engine);
    pipeline.onCommitted((record) => books.apply(record));
    const followed = engine.markets.map(({ id, symbol }, i) => {
      const depth = [5, 25, 1_000][i] ?? 1_000;
      const sent = books.top(symbol, depth)!;
      return { id, symbol, depth, sent, client: new BookClient(snapshotOf(sent)) };
    });
    for (let i = 0; i < COMMANDS; i++) {
      pipeline.execute(world.command());
      if (!random.chance(0.2)) continue;
      pipeline.commit();
      for (const one of followed) {
        const now = books.top(one.symbol, one.depth)!;
        const { bids, asks } = engine.depth(one.id, one.depth);
        assert.deepEqual([now.bids, now.asks].map((side) => side.map(({ price, lots }) => [price, lots])), [bids, asks]);
        const delta = deltaOf(one.sent, now);
        if (delta === undefined) continue;
        one.sent = now;
        one.client.apply(delta);
      }
    }
  });
}

/** An account that has sold 0.01 BTC at 30,000, and `close`, which buys it back at 29,900. */
function shortOfTen() {
  const pipeline = new Pipeline(1);
  const { engine } = pipeline;
  for (const command of founding()) pipeline.execute(command);
  const [maker, short] = [2, 3];
  const order = { market: 1, type: 'limit', quantity: 10, timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'none', clientOrderId: '' } as const;
  pipeline.execute({ type: 'place_order', account: short, order: { ...order, side: 'sell', price: 300_000 } });
  pipeline.execute({ type: 'place_order', account: maker, order: { ...order, side: 'buy', price: 300_000 } });
  pipeline.execute({ type: 'place_order', account: maker, order: { ...order, side: 'sell', price: 299_000 } });
  pipeline.commit();
  const stream = new AccountStream({ sequencer: pipeline, catalog: new Catalog(engine) });
  pipeline.onCommitted((record) => stream.apply(record));
  const close = (): void => void pipeline.execute({ type: 'place_order', account: short, order: { ...order, side: 'buy', price: 299_000 } });
  return { pipeline, engine, stream, short, close };
}

test('a position that closed before it was paid its funding is told as it closed, and the payment on what it was', async () => {
  const { pipeline, engine, stream, short, close } = shortOfTen();
  const heard: unknown[] = [];
  stream.onMessage((_, channel, message) => {
    if (channel === 'position') heard.push([(message as Position).status, (message as Position).realizedPnl]);
    if (channel === 'funding') heard.push([(message as FundingPayment).side, (message as FundingPayment).quantity, (message as FundingPayment).amount]);
  });
  await stream.follow(short, ['position', 'funding']);
  // The mark is 30,000.0, a lot 0.001: 300 USDT at 0.01 %.
  while (engine.prices(1).nextFundingTime < Date.UTC(2024, 0, 1, 16)) pipeline.execute({ type: 'advance_time' });
  close();
  assert.equal(engine.position(short, 1), undefined);
  while ((engine.nextTimer() ?? Infinity) <= engine.time) pipeline.execute({ type: 'note' });
  pipeline.commit();
  await new Promise(setImmediate);
  assert.deepEqual(heard, [['short', '0.01', '0.03'], ['closed', '1']]);
});

test('a position that is closed while an earlier change of it is on its way is told as it closed', async () => {
  const { pipeline, engine, stream, short, close } = shortOfTen();
  const heard: unknown[] = [];
  stream.onMessage((_, channel, message) => {
    if (channel === 'position') heard.push([(message as Position).status, (message as Position).realizedPnl]);
  });
  await stream.follow(short, ['position']);
  while (engine.prices(1).nextFundingTime < Date.UTC(2024, 0, 1, 16)) pipeline.execute({ type: 'advance_time' });
  // Its page has come: the payment is executed first, then what closes it, 0.01 sold at 30,000 and bought at 29,900; the payment alone is durable.
  while ((engine.nextTimer() ?? Infinity) <= engine.time) pipeline.execute({ type: 'note' });
  close();
  pipeline.commit(1);
  await new Promise(setImmediate);
  assert.deepEqual(heard, []);
  pipeline.commit();
  await new Promise(setImmediate);
  assert.deepEqual(heard, [['closed', '1']]);
});

test('whatever is on its way meanwhile, positions are told with what they closed with', async () => {
  const random = new Random(1);
  const kit = Kit.create({ fundingPage: 2 });
  const accounts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => kit.user(name, 3, 1));
  kit.prices(1_000, 1_000);
  const fuzz = new Fuzz(1, kit, accounts);
  const pipeline = new Pipeline(2, kit.engine);
  const catalog = new Catalog(kit.engine);
  const { units } = catalog.byId(PERP);
  const stream = new AccountStream({ sequencer: pipeline, catalog });
  /** What has closed and is durable, since the account was told of one the last time. */
  const closings = new Map<number, string[]>(accounts.map((account) => [account, []]));
  pipeline.onCommitted((record) => {
    for (const event of record.events) {
      if (event.type !== 'trade' || event.market !== PERP) continue;
      for (const { account, position } of [event.maker, event.taker]) if (position?.size === 0) closings.get(account)?.push(units.formatQuote(position.realized));
    }
    stream.apply(record);
  });
  let told = 0;
  stream.onMessage((account, _, message) => {
    const { status, realizedPnl } = message as Position;
    if (status !== 'closed') return;
    told++;
    assert.ok(closings.get(account)!.splice(0).includes(realizedPnl), `account ${account} is told ${realizedPnl}`);
  });
  for (const account of accounts) await stream.follow(account, ['position']);
  for (let i = 0; i < COMMANDS; i++) {
    pipeline.execute(fuzz.next());
    if (!random.chance(0.3)) continue;
    pipeline.commit(random.between(0, 3));
    await new Promise(setImmediate);
  }
  assert.ok(told > 50, `${told} were told`);
});

test('who cannot be followed because the journal fails is not followed', async () => {
  const disk = new MemoryDisk();
  const leader = await openMemoryLeader(disk, new Clock());
  await found(leader);
  const stream = new AccountStream({ sequencer: leader, catalog: new Catalog(leader.state) });
  leader.onCommitted((record) => stream.apply(record));
  let heard = 0;
  stream.onMessage(() => heard++);
  disk.appendFault = () => 'lost';
  const lost = leader.submit(place('lost'));
  await Promise.all([assert.rejects(lost), assert.rejects(stream.follow(ALICE))]);
  await leader.close();
  assert.equal(heard, 0);
});

test('who left while following failed takes nothing away from those who follow later', async () => {
  let fail: (error: Error) => void = () => undefined;
  let barrier: Promise<void> = new Promise((_, reject) => { fail = reject; });
  const leader = await openMemoryLeader(new MemoryDisk(), new Clock());
  await found(leader);
  const stream = new AccountStream({ sequencer: { state: leader.state, barrier: () => barrier }, catalog: new Catalog(leader.state) });
  leader.onCommitted((record) => stream.apply(record));
  const heard: AccountChannel[] = [];
  stream.onMessage((_, channel) => heard.push(channel));
  const left = stream.follow(ALICE);
  stream.unfollow(ALICE);
  fail(new Error('the journal failed'));
  await assert.rejects(left, /the journal failed/);
  barrier = Promise.resolve();
  await stream.follow(ALICE);
  await leader.submit(place('heard'));
  assert.ok(heard.includes('order'), 'the order is told');
  await leader.close();
});

function assertKnows(listener: Listener, account: number, engine: Engine, catalog: Catalog): void {
  if (listener.channels.has('order')) assertOrders(listener, account, engine, catalog);
  if (listener.channels.has('balance')) {
    for (const balance of engine.balances(account)) {
      for (const wallet of walletsOf(balance, engine.assets[balance.asset], 0)) assert.deepEqual({ ...listener.wallets.get(`${wallet.account} ${wallet.asset}`), seq: 0 }, wallet);
    }
  }
  if (!listener.channels.has('position')) return;
  const own = ({ symbol, side, quantity, entryPrice, leverage, margin, realizedPnl }: Position) => ({ symbol, side, quantity, entryPrice, leverage, margin, realizedPnl });
  const open = engine.positions(account).filter(({ size }) => size !== 0).map((view) => own(positionInfo(view, catalog.byId(view.market))));
  assert.deepEqual([...listener.positions.values()].map(own).sort(bySymbol), open.sort(bySymbol));
}

function assertOrders(listener: Listener, account: number, engine: Engine, catalog: Catalog): void {
  const orders = engine.openOrders(account).map((view) => publicOrder(orderFromView(view, { catalog, owners: engine })));
  const known = orders.map(({ id }) => listener.orders.get(id));
  // Why an order was cut down is only in the events.
  assert.deepEqual(known.map((order) => order && { ...order, closeReason: undefined }), orders.map((order) => ({ ...order, closeReason: undefined })));
  assert.equal(listener.orders.size, orders.length);
}

function bySymbol(a: { readonly symbol: string }, b: { readonly symbol: string }): number {
  return a.symbol < b.symbol ? -1 : 1;
}
