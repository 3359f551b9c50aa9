/** Routes under /wallets. */
import { assetCode } from '../validators/common.ts';
import { list, transaction, transfer as transferReply, wallet } from '../validators/replies.ts';
import { assetPath, deposit, transactionsQuery, transfer, walletsQuery } from '../validators/wallet.ts';
import { pageOf } from '../services/paging.ts';
import type { WalletService } from '../services/wallets.ts';
import { Refusal } from '../types/refusal.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

export function walletRoutes(wallets: WalletService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/wallets',
      permission: 'read',
      summary: 'Spot and futures wallet of each asset ever held',
      query: walletsQuery,
      response: list(wallet),
      handler: async ({ principal, query }) => listReply(await wallets.list(principal, query)),
    }),
    route({
      method: 'GET',
      path: '/wallets/transactions',
      permission: 'read',
      summary: 'What changed the wallets, newest first',
      query: transactionsQuery,
      response: list(transaction),
      handler: async ({ principal, query }) => listReply(await wallets.transactions(principal, query)),
    }),
    route({
      method: 'POST',
      path: '/wallets/deposits',
      permission: 'read',
      summary: 'Deposit; simulated, where the venue allows it',
      body: deposit,
      response: transaction,
      status: 201,
      handler: async ({ principal, body, meta }) => ({ data: await wallets.deposit(principal, body, meta) }),
    }),
    route({
      method: 'POST',
      path: '/wallets/transfers',
      permission: 'trade',
      summary: 'Move money between the spot and the futures wallet',
      body: transfer,
      response: transferReply,
      status: 201,
      handler: async ({ principal, body, meta }) => ({ data: await wallets.transfer(principal, body, meta) }),
    }),
    route({
      method: 'GET',
      path: '/wallets/:asset',
      permission: 'read',
      summary: 'Spot and futures wallet of one asset',
      params: assetPath,
      query: walletsQuery,
      response: list(wallet),
      handler: async ({ principal, params, query }) => listReply(pageOf(await wallets.get(principal, codeIn(params.asset)), query)),
    }),
  ];
}

/** What no asset can be called is a route that is not there, such as /wallets/withdrawals. NOT_FOUND. */
function codeIn(segment: string): string {
  if (!assetCode.safeParse(segment).success) throw new Refusal('NOT_FOUND', 'there is no such route');
  return segment;
}
