/**
 * Trades against a running server (`npm start`) with two users, and tells what happens: deposits, a spot trade, the live book,
 * leveraged positions on both sides, and the liquidation of the one that the price runs away from. It takes the markets that have prices, whichever these are.
 * `BOURSE_URL` names another server than http://127.0.0.1:3000.
 */
import { randomUUID } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { readOptions, refuse } from './options.ts';

const DEFAULT_URL = 'http://127.0.0.1:3000';
const USAGE = `usage: npm run demo (BOURSE_URL names another server than ${DEFAULT_URL})`;

readOptions(USAGE, { options: {} });
const base = originOf(process.env.BOURSE_URL || DEFAULT_URL);
/** Whichever of these perpetuals moves first decides. */
const MAX_PERPETUALS = 3;
/** What a position is worth, in quote. */
const POSITION_VALUE = 2_000;
const SPOT_VALUE = 300;
const BOOK_WAIT_MS = 30_000;
const LIQUIDATION_WAIT_MS = 240_000;

interface Market { symbol: string; type: 'spot' | 'perpetual'; quote: string; lotSize: string; maxLeverage: number }
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

/** Scheme, host and port. Ends the process for what is not the address of a server. */
function originOf(text: string): string {
  const url = URL.parse(text);
  // `localhost:3000` is a URL too, of the scheme `localhost`.
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return refuse(`BOURSE_URL must be an address like ${DEFAULT_URL}, not ${JSON.stringify(text)}`, USAGE);
  }
  return url.origin;
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
    if (!process.stdout.isTTY) {
      if (turn === 0) say(`  ${what}, ${limitMs / 1000} s at most`);
    } else process.stdout.write(`\r  ${'|/-\\'[turn % 4]} ${what}, ${Math.ceil((end - Date.now()) / 1000)} s left at most  `);
    await new Promise((wake) => setTimeout(wake, 500));
  }
  return undefined;
}

const alice = new User('alice');
const bob = new User('bob');

/** undefined: one side is empty. */
async function bookOf({ symbol }: Market): Promise<Book | undefined> {
  const book = await alice.call<Book>('GET', `/markets/${symbol}/orderbook?depth=5`);
  return book.bids.length > 0 && book.asks.length > 0 ? book : undefined;
}

async function withBothSides(markets: readonly Market[]): Promise<Market[]> {
  const books = await Promise.all(markets.map(bookOf));
  return markets.filter((_, at) => books[at] !== undefined);
}

async function listed(): Promise<Market[]> {
  return (await alice.call<Market[]>('GET', '/markets')).filter(({ quote }) => quote === 'USDT');
}

function isPerpetualOf(spot: Market, { symbol }: Market): boolean {
  return symbol === `${spot.symbol}-PERP`;
}

/** With prices set by hand there are none until somebody sets them: nothing is waited for that may never come. */
async function requirePrices(): Promise<void> {
  const response = await fetch(`${base}/health/dependencies`);
  const { dependencies = [] } = (await response.json()) as { dependencies?: { name: string; ok: boolean; detail: string }[] };
  const feeds = dependencies.find(({ name }) => name === 'feeds');
  if (feeds?.ok === false && feeds.detail.startsWith('no price yet')) throw new Error(`nothing can be traded: ${feeds.detail}`);
}

/** The first spot market that can be traded and whose perpetual can be traded too. */
async function tradable(): Promise<Market> {
  const markets = await listed();
  const found = await until('waiting for a market with both sides of the book', BOOK_WAIT_MS, async () => {
    const live = await withBothSides(markets);
    return live.find((spot) => spot.type === 'spot' && live.some((other) => isPerpetualOf(spot, other)));
  });
  if (found === undefined) throw new Error('no spot market has both sides of its book and of its perpetual\'s: are the house makers on and prices flowing? (GET /health/dependencies)');
  return found;
}

/** Those that can be traded now, the spot market's own first. */
async function perpetualsWith(spot: Market): Promise<Market[]> {
  const live = await withBothSides((await listed()).filter(({ type }) => type === 'perpetual'));
  return live.sort((a, b) => Number(isPerpetualOf(spot, b)) - Number(isPerpetualOf(spot, a))).slice(0, MAX_PERPETUALS);
}

async function bestPrices(market: Market): Promise<Book> {
  const book = await until(`waiting for both sides of ${market.symbol}`, BOOK_WAIT_MS, () => bookOf(market));
  if (book === undefined) throw new Error(`${market.symbol} has lost a side of its book (GET /api/v1/markets/${market.symbol}/prices)`);
  return book;
}

/** In whole lots, at least one. */
function quantityWorth(value: number, { lotSize }: Market, price: string): string {
  const lots = Math.max(1, Math.floor(value / Number(price) / Number(lotSize)));
  return (lots * Number(lotSize)).toFixed(lotSize.split('.')[1]?.length ?? 0);
}

async function spotTrade(market: Market): Promise<void> {
  const { symbol } = market;
  const book = await bestPrices(market);
  say(`\n2. Spot. The book of ${symbol}: best bid ${book.bids[0]?.join(' × ')}, best ask ${book.asks[0]?.join(' × ')}`);
  const worth = (times: number, price: string): string => quantityWorth(times * SPOT_VALUE, market, price);
  describe(alice, await alice.place({ symbol, side: 'buy', type: 'market', quantity: worth(2, book.asks[0]![0]) }));
  const ask = (await bestPrices(market)).asks[0]![0];
  describe(alice, await alice.place({ symbol, side: 'sell', type: 'limit', price: ask, quantity: worth(1, ask) }));
  describe(bob, await bob.place({ symbol, side: 'buy', type: 'limit', price: ask, quantity: worth(3, ask), timeInForce: 'IOC' }));
  const wallets = await alice.call<{ account: string; asset: string; total: string; locked: string }[]>('GET', '/wallets');
  say(`  alice now holds: ${wallets.map((wallet) => `${wallet.total} ${wallet.asset} (${wallet.account}${wallet.locked === '0' ? '' : `, ${wallet.locked} locked`})`).join(', ')}`);
  const { canceled } = await alice.call<{ canceled: number }>('DELETE', `/orders?symbol=${symbol}`);
  say(`  alice cancels what is still open there: ${canceled}`);
}

async function openPositions(spot: Market): Promise<void> {
  say('\n3. Leverage. Both take as much of it as there is: alice long, bob short');
  for (const market of await perpetualsWith(spot)) {
    const { symbol, maxLeverage: leverage } = market;
    const quantity = quantityWorth(POSITION_VALUE, market, (await bestPrices(market)).asks[0]![0]);
    for (const [user, side] of [[alice, 'buy'], [bob, 'sell']] as const) {
      await user.call('PUT', `/positions/${symbol}/leverage`, { leverage });
      await user.place({ symbol, side, type: 'market', quantity });
      const position = await user.call<Position>('GET', `/positions/${symbol}`);
      say(`  ${user.name} is ${position.side} ${position.quantity} ${symbol} at ${position.entryPrice} with ${leverage}x: margin ${position.margin}, mark ${position.markPrice}, liquidation at ${position.liquidationPrice}`);
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
  await requirePrices();
  say(`1. Two users join ${base} and deposit`);
  for (const user of [alice, bob]) {
    await user.join();
    await user.call('POST', '/wallets/deposits', { asset: 'USDT', amount: '20000' });
    await user.call('POST', '/wallets/transfers', { asset: 'USDT', amount: '5000', from: 'spot', to: 'futures' });
    say(`  ${user.name}: 15000 USDT spot, 5000 USDT futures`);
  }
  const spot = await tradable();
  await spotTrade(spot);
  await openPositions(spot);
  await awaitLiquidation();
  for (const user of [alice, bob]) {
    for (const position of await user.call<Position[]>('GET', '/positions?status=open')) {
      const order = await user.call<Order>('POST', `/positions/${position.symbol}/close`, {});
      say(`  ${user.name} closes ${position.symbol} at ${order.averagePrice}; it stood at ${position.unrealizedPnl} USDT`);
    }
  }
  say(`\nDone. See for yourself: /docs, /metrics, GET /api/v1/markets/${spot.symbol}-PERP/klines?interval=1m`);
}

try {
  await main();
} catch (error) {
  const { message, cause } = error as Error;
  const refused = cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
  console.error(refused ? `No server answers at ${base}. Start one with: npm start` : `${message}${cause instanceof Error ? `: ${cause.message}` : ''}`);
  process.exitCode = 1;
} finally {
  alice.socket?.disconnect();
  bob.socket?.disconnect();
}
