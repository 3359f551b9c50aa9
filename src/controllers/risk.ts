/** Routes under /risk. */
import { riskSummary } from '../validators/replies.ts';
import type { RiskService } from '../services/risk.ts';
import { route, type Route } from './route.ts';

export function riskRoutes(risk: RiskService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/risk/summary',
      permission: 'read',
      summary: 'Equity, exposure and margin of the futures wallets, and the positions closest to liquidation',
      response: riskSummary,
      handler: async ({ principal }) => ({ data: await risk.summary(principal) }),
    }),
  ];
}
