/** Namespace /market: order books as snapshot and gap-free deltas, trades, tickers, candles and liquidations of one market each. */
import type { Namespace, Socket } from 'socket.io';
import type { MarketStream } from '../services/market-stream.ts';
import type { Topic } from '../services/topic.ts';
import { marketSubscription, type MarketSubscription } from '../validators/sockets.ts';
import { call, type Calls } from './calls.ts';
import type { RecoverableAdapter } from './recovery.ts';
import type { TopicPublisher } from './topics.ts';

export interface MarketParts {
  readonly market: MarketStream;
  readonly topics: TopicPublisher;
  readonly serve: (socket: Socket, calls: Calls) => void;
}

export function serveMarket(nsp: Namespace, { market, topics, serve }: MarketParts): void {
  const calls: Calls = new Map([
    ['subscribe', call(marketSubscription, (socket, wanted) => topics.follow(socket, topicOf(market, wanted)))],
    ['unsubscribe', call(marketSubscription, (socket, wanted) => {
      topics.unfollow(socket, topicOf(market, wanted).id);
      return wanted;
    })],
  ]);

  nsp.on('connection', (socket) => {
    serve(socket, calls);
    socket.on('disconnect', () => topics.left(socket));
    (nsp.adapter as RecoverableAdapter).resume(socket);
  });
}

function topicOf(market: MarketStream, wanted: MarketSubscription): Topic {
  switch (wanted.channel) {
    case 'orderbook':
      return market.orderBook(wanted.symbol, wanted.depth);
    case 'trades':
      return market.trades(wanted.symbol);
    case 'ticker':
      return market.ticker(wanted.symbol);
    case 'kline':
      return market.kline(wanted.symbol, wanted.interval);
    case 'liquidations':
      return market.liquidations(wanted.symbol);
  }
}
