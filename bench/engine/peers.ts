/** Published order books of the same kind, behind the same face. Each gets its own id type and its cheapest public call. */
import { OrderBook, Side } from 'nodejs-order-book';
import { Orderbook, TRADE_SIDE } from 'orderbook-match-engine';
import type { Matcher } from './matcher.ts';

/** npm nodejs-order-book. */
export class NodejsOrderBook implements Matcher {
  readonly #book = new OrderBook();

  limit(id: number, sell: boolean, price: number, quantity: number): number {
    const result = this.#book.limit({ id: String(id), side: sell ? Side.SELL : Side.BUY, price, size: quantity });
    return quantity - result.quantityLeft;
  }

  market(_id: number, sell: boolean, quantity: number): number {
    const result = this.#book.market({ side: sell ? Side.SELL : Side.BUY, size: quantity });
    return quantity - result.quantityLeft;
  }

  cancel(id: number): void {
    this.#book.cancel(String(id));
  }
}

/** A price that crosses everything. */
const FAR = 2 ** 31 - 1;

/** npm orderbook-match-engine. It has no market orders: a limit order at an extreme price, whose rest is canceled. */
export class OrderbookMatchEngine implements Matcher {
  readonly #book = new Orderbook();

  limit(id: number, sell: boolean, price: number, quantity: number): number {
    const { trades } = this.#book.add(id, sell ? TRADE_SIDE.ASK : TRADE_SIDE.BID, price, quantity);
    return sumOf(trades);
  }

  market(id: number, sell: boolean, quantity: number): number {
    const { trades } = this.#book.add(id, sell ? TRADE_SIDE.ASK : TRADE_SIDE.BID, sell ? 1 : FAR, quantity);
    const traded = sumOf(trades);
    if (traded < quantity) this.#book.cancel(id);
    return traded;
  }

  cancel(id: number): void {
    this.#book.cancel(id);
  }
}

function sumOf(trades: readonly { readonly tradeQuantity: { toString(): string } }[]): number {
  let sum = 0;
  for (const trade of trades) sum += Number(trade.tradeQuantity.toString());
  return sum;
}
