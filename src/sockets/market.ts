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
  /** Other depths of the same order book count as the same: their messages could not be told apart. */
  const unfollow = (socket: Socket, topic: Topic, except?: string): void => {
    for (const { id, subject } of topics.followed(socket)) if (subject === topic.subject && id !== except) topics.unfollow(socket, id);
  };
  const calls: Calls = new Map([
    ['subscribe', call(marketSubscription, (socket, wanted) => {
      const topic = topicOf(market, wanted);
      unfollow(socket, topic, topic.id);
      return topics.follow(socket, topic);
    })],
    ['unsubscribe', call(marketSubscription, (socket, wanted) => {
      unfollow(socket, topicOf(market, wanted));
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
