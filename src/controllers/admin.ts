/** Routes under /admin but those that change a user. */
import { assetsQuery, auditQuery, createAsset, createMarket, setPrices, updateMarket, usersQuery } from '../validators/admin.ts';
import { user } from '../validators/auth.ts';
import { marketsQuery, symbolPath } from '../validators/market.ts';
import { asset, auditEntry, feedStatus, ledgerAudit, list, market, marketPrices } from '../validators/replies.ts';
import type { Actor, AdminService } from '../services/admin.ts';
import type { MarketService } from '../services/markets.ts';
import type { Context } from '../types/route.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

export function adminRoutes(admin: AdminService, markets: MarketService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/admin/assets',
      permission: 'admin',
      summary: 'All assets',
      query: assetsQuery,
      response: list(asset),
      handler: async ({ query }) => listReply(await admin.assets(query)),
    }),
    route({
      method: 'POST',
      path: '/admin/assets',
      permission: 'admin',
      repeats: 'kept',
      summary: 'Create an asset',
      body: createAsset,
      response: asset,
      status: 201,
      handler: async (ctx) => ({ data: await admin.createAsset(actorOf(ctx), ctx.body) }),
    }),
    route({
      method: 'GET',
      path: '/admin/markets',
      permission: 'admin',
      summary: 'All markets with their settings',
      query: marketsQuery,
      response: list(market),
      handler: async ({ query }) => listReply(await markets.list(query)),
    }),
    route({
      method: 'POST',
      path: '/admin/markets',
      permission: 'admin',
      repeats: 'kept',
      summary: 'Create a market; what is left out gets its default',
      body: createMarket,
      response: market,
      status: 201,
      handler: async (ctx) => ({ data: await admin.createMarket(actorOf(ctx), ctx.body) }),
    }),
    route({
      method: 'PATCH',
      path: '/admin/markets/:symbol',
      permission: 'admin',
      repeats: 'kept',
      summary: 'Change settings of a market',
      params: symbolPath,
      body: updateMarket,
      response: market,
      handler: async (ctx) => ({ data: await admin.updateMarket(actorOf(ctx), ctx.params.symbol, ctx.body) }),
    }),
    route({
      method: 'POST',
      path: '/admin/prices',
      permission: 'admin',
      repeats: 'kept',
      summary: 'Set index and mark prices at once, each to its nearest tick, with everything that follows; only with FEEDS=manual',
      body: setPrices,
      response: list(marketPrices),
      handler: async (ctx) => ({ data: await admin.setPrices(actorOf(ctx), ctx.body.prices) }),
    }),
    route({
      method: 'GET',
      path: '/admin/feeds',
      permission: 'admin',
      summary: 'The price sources and how they do',
      response: feedStatus,
      handler: () => ({ data: admin.feeds() }),
    }),
    route({
      method: 'GET',
      path: '/admin/ledger/audit',
      permission: 'admin',
      summary: 'Sums of the ledger by asset; balanced when every sum is zero',
      response: ledgerAudit,
      handler: async () => ({ data: await admin.ledgerAudit() }),
    }),
    route({
      method: 'GET',
      path: '/admin/audit-logs',
      permission: 'admin',
      summary: 'Who did what, newest first',
      query: auditQuery,
      response: list(auditEntry),
      handler: async ({ query }) => listReply(await admin.auditLog(query)),
    }),
    route({
      method: 'GET',
      path: '/admin/users',
      permission: 'admin',
      summary: 'Users, newest first',
      query: usersQuery,
      response: list(user),
      handler: async ({ query }) => listReply(await admin.users(query)),
    }),
  ];
}

function actorOf({ principal, ip, requestId, meta }: Context<'admin'>): Actor {
  return { principal, ip, requestId, meta };
}
