/** Routes under /liquidations and /insurance-fund. */
import { insuranceQuery, liquidationsQuery } from '../validators/market.ts';
import { insuranceBalance, liquidation, list } from '../validators/replies.ts';
import type { InsuranceService } from '../services/insurance.ts';
import type { LiquidationService } from '../services/liquidations.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

const FUND_SECONDS = 1;

export function liquidationRoutes(liquidations: LiquidationService, insurance: InsuranceService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/liquidations',
      permission: 'public',
      signIn: 'optional',
      summary: 'Receipts of liquidations, newest first; mine=true for one’s own',
      query: liquidationsQuery,
      response: list(liquidation),
      handler: async ({ principal, query }) => listReply(await liquidations.list(principal, query)),
    }),
    route({
      method: 'GET',
      path: '/insurance-fund',
      permission: 'public',
      summary: 'What the insurance fund holds, by asset',
      query: insuranceQuery,
      response: list(insuranceBalance),
      cacheSeconds: FUND_SECONDS,
      handler: async ({ query }) => listReply(await insurance.list(query)),
    }),
  ];
}
