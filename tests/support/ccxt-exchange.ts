/** An exchange of ccxt itself without a network: its markets are given, and what its connections receive is what the test says, through ccxt's own handling of messages. */
import { ccxtClient, type ExchangeClient } from '../../src/feeds/live/client.ts';

export interface OfflineExchange {
  readonly client: ExchangeClient;
  /** Whether it waits for an update. */
  readonly waits: () => boolean;
  /** Messages that arrive together, as when one read of the socket holds several frames. */
  readonly receive: (messages: readonly string[]) => void;
}

interface Connection {
  /** By what they wait for. */
  readonly futures: object;
  connect: () => Promise<void>;
  send: () => Promise<void>;
  onMessage(event: { readonly data: string }): void;
  close: () => unknown;
}

/** What ccxt has beside the port. */
interface Inside {
  readonly clients: Record<string, Connection>;
  client: (url: string) => Connection;
  fetchMarkets: () => Promise<readonly object[]>;
  fetchCurrencies: () => Promise<object>;
}

export interface OfflineMarket {
  /** As ccxt writes it, 'BTC/USDT' or 'BTC/USDT:USDT'. */
  readonly symbol: string;
  /** As the exchange writes it. */
  readonly id: string;
}

export async function offlineExchange(name: string, markets: readonly OfflineMarket[]): Promise<OfflineExchange> {
  const client = await ccxtClient(name);
  const inside = client as unknown as Inside;
  inside.fetchMarkets = async () => markets.map(marketOf);
  inside.fetchCurrencies = async () => ({});
  const connectionTo = inside.client.bind(inside);
  inside.client = (url) => {
    const connection = connectionTo(url);
    connection.connect = async () => undefined;
    connection.send = async () => undefined;
    const { close } = connection;
    connection.close = () => {
      delete inside.clients[url];
      return close.call(connection);
    };
    return connection;
  };
  const connections = () => Object.values(inside.clients);
  return {
    client,
    waits: () => connections().some(({ futures }) => Object.keys(futures).length > 0),
    receive: (messages) => {
      for (const data of messages) for (const connection of connections()) connection.onMessage({ data });
    },
  };
}

function marketOf({ symbol, id }: OfflineMarket): object {
  const [pair, settle] = symbol.split(':');
  const [base, quote] = pair.split('/');
  const spot = settle === undefined;
  return {
    id, symbol, base, quote, baseId: base, quoteId: quote, settle, settleId: settle, lowercaseId: id.toLowerCase(), active: true, precision: {}, limits: {}, info: {},
    type: spot ? 'spot' : 'swap', spot, swap: !spot, future: false, option: false, contract: !spot, linear: spot ? undefined : settle === quote, inverse: spot ? undefined : settle === base, contractSize: 1,
  };
}
