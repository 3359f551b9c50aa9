/**
 * Trades against a running server (`npm start`) with two users, and tells what happens: deposits, a spot trade, the live book,
 * leveraged positions on both sides, and the liquidation of the one that the price runs away from.
 * `BOURSE_URL` names another server than http://127.0.0.1:3000.
 */
import { randomUUID } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';

const base = process.env.BOURSE_URL ?? 'http://127.0.0.1:3000';
const SPOT = 'SOL-USDT';
/** Whichever moves first. */
const PERPS: readonly (readonly [symbol: string, quantity: string])[] = [['BTC-USDT-PERP', '0.02'], ['ETH-USDT-PERP', '0.5'], ['SOL-USDT-PERP', '20']];
const LIQUIDATION_WAIT_MS = 240_000;

interface Market { symbol: string; tickSize: string; lotSize: string; maxLeverage: number }
interface Order { id: string; status: string; filledQuantity: string; averagePrice: string; fills?: { price: string; quantity: string; fee: string; feeAsset: string; role: string }[] }
interface Book { bids: [string, string][]; asks: [string, string][] }
interface Position { symbol: string; side: string; quantity: string; entryPrice: string; markPrice: string; liquidationPrice: string; margin: string; unrealizedPnl: string; marginRatio: string }
interface Liquidation { seq: number; symbol: string; side: string; quantity: string; markPrice: string; bankruptcyPrice: string; fundDelta: string; fundAfter: string }

class User {
  readonly name: string;
  #token = '';
  socket: Socket | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const reply = (await response.json()) as { data: T; code?: string; detail?: string };
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${reply.code} ${reply.detail}`);
    return reply.data;
  }

  async join(): Promise<void> {
    const email = `${this.name}-${randomUUID().slice(0, 8)}@demo.example`;
    const { tokens } = await this.call<{ tokens: { accessToken: string } }>('POST', '/auth/register', { email, password: `${randomUUID()}-demo` });
    this.#token = tokens.accessToken;
    this.socket = io(`${base}/user`, { auth: { token: this.#token }, transports: ['websocket'] });
    await new Promise<void>((done, fail) => {
      this.socket?.once('connect', done);
      this.socket?.once('connect_error', fail);
    });
    const called = new Set<string>();
    this.socket.on('marginCall', ({ symbol, marginRatio }: { symbol: string; marginRatio: string | null }) => {
      // null: the call is over. A price that hovers around the threshold calls again and again.
      if (marginRatio === null || called.has(symbol)) return;
      called.add(symbol);
      say(`  ! ${this.name} gets a margin call on ${symbol}: ratio ${marginRatio}`);
    });
  }

  place(order: Record<string, unknown>): Promise<Order> {
    return this.call<Order>('POST', '/orders', { clientOrderId: randomUUID(), ...order });
  }
}

function say(line: string): void {
  console.log(line);
}

function describe(user: User, order: Order): void {
  const fills = (order.fills ?? []).map((fill) => `${fill.quantity} @ ${fill.price} as ${fill.role}, fee ${fill.fee} ${fill.feeAsset}`);
  say(`  ${user.name}'s order ${order.id}: ${order.status}${fills.length > 0 ? `: ${fills.slice(0, 3).join('; ')}${fills.length > 3 ? ` and ${fills.length - 3} more fills` : ''}` : ''}`);
}

async function until<T>(what: string, limitMs: number, probe: () => Promise<T | undefined>): Promise<T | undefined> {
  const end = Date.now() + limitMs;
  for (let turn = 0; Date.now() < end; turn++) {
    const found = await probe();
    if (found !== undefined) return found;
    if (process.stdout.isTTY) process.stdout.write(`\r  ${'|/-\\'[turn % 4]} ${what}, ${Math.ceil((end - Date.now()) / 1000)} s left at most  `);
    await new Promise((wake) => setTimeout(wake, 500));
  }
  return undefined;
}

const alice = new User('alice');
const bob = new User('bob');

async function bookWithBothSides(symbol: string): Promise<Book> {
  const book = await until(`waiting for a two-sided book on ${symbol}`, 30_000, async () => {
    const found = await alice.call<Book>('GET', `/markets/${symbol}/orderbook?depth=5`);
    return found.bids.length > 0 && found.asks.length > 0 ? found : undefined;
  });
  if (book === undefined) throw new Error(`${symbol} has no two-sided book: are the house makers on and prices flowing? (GET /api/v1/markets/${symbol}/prices)`);
  return book;
}

async function spotTrade(): Promise<void> {
  const book = await bookWithBothSides(SPOT);
  say(`\n2. Spot. The book of ${SPOT}: best bid ${book.bids[0]?.join(' × ')}, best ask ${book.asks[0]?.join(' × ')}`);
  describe(alice, await alice.place({ symbol: SPOT, side: 'buy', type: 'market', quantity: '2' }));
  const ask = (await bookWithBothSides(SPOT)).asks[0]?.[0];
  describe(alice, await alice.place({ symbol: SPOT, side: 'sell', type: 'limit', price: ask, quantity: '1' }));
  describe(bob, await bob.place({ symbol: SPOT, side: 'buy', type: 'limit', price: ask, quantity: '3', timeInForce: 'IOC' }));
  const wallets = await alice.call<{ account: string; asset: string; total: string; locked: string }[]>('GET', '/wallets');
  say(`  alice now holds: ${wallets.map((wallet) => `${wallet.total} ${wallet.asset} (${wallet.account}${wallet.locked === '0' ? '' : `, ${wallet.locked} locked`})`).join(', ')}`);
  const { canceled } = await alice.call<{ canceled: number }>('DELETE', `/orders?symbol=${SPOT}`);
  say(`  alice cancels what is still open there: ${canceled}`);
}

async function openPositions(): Promise<void> {
  const markets = await alice.call<Market[]>('GET', '/markets');
  say('\n3. Leverage. Both take as much as there is: alice long, bob short');
  for (const [symbol, quantity] of PERPS) {
    const market = markets.find((item) => item.symbol === symbol);
    if (market === undefined) continue;
    await bookWithBothSides(symbol);
    for (const [user, side] of [[alice, 'buy'], [bob, 'sell']] as const) {
      await user.call('PUT', `/positions/${symbol}/leverage`, { leverage: market.maxLeverage });
      await user.place({ symbol, side, type: 'market', quantity });
      const position = await user.call<Position>('GET', `/positions/${symbol}`);
      say(`  ${user.name} is ${position.side} ${position.quantity} ${symbol} at ${position.entryPrice} with ${market.maxLeverage}x: margin ${position.margin}, mark ${position.markPrice}, liquidation at ${position.liquidationPrice}`);
    }
  }
}

async function awaitLiquidation(): Promise<void> {
  say('\n4. Liquidation. The price decides who goes first …');
  const outcome = await until('waiting for the price', LIQUIDATION_WAIT_MS, async () => {
    for (const user of [alice, bob]) {
      const [receipt] = await user.call<Liquidation[]>('GET', '/liquidations?mine=true');
      if (receipt !== undefined) return { user, receipt };
    }
    return undefined;
  });
  if (process.stdout.isTTY) process.stdout.write('\n');
  if (outcome === undefined) {
    say(`  The prices stayed calm for ${LIQUIDATION_WAIT_MS / 60_000} minutes; nobody was liquidated this time.`);
    return;
  }
  const { user, receipt } = outcome;
  say(`  ${user.name}'s ${receipt.side} of ${receipt.quantity} ${receipt.symbol} was liquidated at mark ${receipt.markPrice} (bankruptcy price ${receipt.bankruptcyPrice}); the insurance fund gains ${receipt.fundDelta} and holds ${receipt.fundAfter} USDT`);
}

async function main(): Promise<void> {
  say(`1. Two users join ${base} and deposit`);
  for (const user of [alice, bob]) {
    await user.join();
    await user.call('POST', '/wallets/deposits', { asset: 'USDT', amount: '20000' });
    await user.call('POST', '/wallets/transfers', { asset: 'USDT', amount: '5000', from: 'spot', to: 'futures' });
    say(`  ${user.name}: 15000 USDT spot, 5000 USDT futures`);
  }
  await spotTrade();
  await openPositions();
  await awaitLiquidation();
  for (const user of [alice, bob]) {
    for (const position of await user.call<Position[]>('GET', '/positions?status=open')) {
      const order = await user.call<Order>('POST', `/positions/${position.symbol}/close`, {});
      say(`  ${user.name} closes ${position.symbol} at ${order.averagePrice}; it stood at ${position.unrealizedPnl} USDT`);
    }
  }
  say('\nDone. See for yourself: /docs, /metrics, GET /api/v1/markets/SOL-USDT-PERP/klines?interval=1m');
}

try {
  await main();
} catch (error) {
  const refused = error instanceof Error && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ECONNREFUSED';
  console.error(refused ? `No server answers at ${base}. Start one with: npm start` : error);
  process.exitCode = 1;
} finally {
  alice.socket?.disconnect();
  bob.socket?.disconnect();
}
