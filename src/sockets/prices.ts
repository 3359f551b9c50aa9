/**
 * Namespace /prices: index, mark and last price of the markets that a client names, batched and conflated to the latest. All its markets come in
 * one message, encoded once for all clients with the same markets.
 */
import type { Namespace, Socket } from 'socket.io';
import type { MarketStream } from '../services/market-stream.ts';
import { subscribePrices, unsubscribePrices } from '../validators/sockets.ts';
import { call, type Calls } from './calls.ts';
import type { TopicPublisher } from './topics.ts';

export interface PricesParts {
  readonly market: Pick<MarketStream, 'prices'>;
  readonly topics: TopicPublisher;
  readonly serve: (socket: Socket, calls: Calls) => void;
}

export function servePrices(nsp: Namespace, { market, topics, serve }: PricesParts): void {
  /** Leads from the markets that the socket follows to these; what their prices are now. */
  const follow = (socket: Socket, symbols: readonly string[]): unknown => {
    const before = topics.followed(socket);
    const topic = symbols.length === 0 ? undefined : market.prices(symbols);
    for (const { id } of before) if (id !== topic?.id) topics.unfollow(socket, id);
    socket.data.symbols = symbols;
    return topic === undefined ? [] : topics.follow(socket, topic);
  };
  const symbolsOf = (socket: Socket): readonly string[] => (socket.data as { symbols?: string[] }).symbols ?? [];

  const calls: Calls = new Map([
    ['subscribe', call(subscribePrices, (socket, { symbols }) => follow(socket, [...new Set([...symbolsOf(socket), ...symbols])]))],
    ['unsubscribe', call(unsubscribePrices, (socket, input) => {
      const left = input?.symbols === undefined ? [] : symbolsOf(socket).filter((symbol) => !input.symbols?.includes(symbol));
      return follow(socket, left);
    })],
  ]);

  nsp.on('connection', (socket) => {
    serve(socket, calls);
    socket.on('disconnect', () => topics.left(socket));
    // Prices that were missed are worth nothing; the current ones are.
    if (socket.recovered && symbolsOf(socket).length > 0) socket.emit('prices', follow(socket, symbolsOf(socket)));
  });
}
