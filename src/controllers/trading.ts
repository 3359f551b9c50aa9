/** All routes of the venue, in the order in which they are matched and documented. */
import type { Trading } from '../services/trading.ts';
import { adminRoutes } from './admin.ts';
import { liquidationRoutes } from './liquidations.ts';
import { marketRoutes } from './markets.ts';
import { orderRoutes } from './orders.ts';
import { positionRoutes } from './positions.ts';
import { riskRoutes } from './risk.ts';
import type { Route } from './route.ts';
import { tradeRoutes } from './trades.ts';
import { walletRoutes } from './wallets.ts';

export function tradingRoutes({ admin, insurance, liquidations, markets, orders, positions, risk, trades, wallets }: Trading): Route[] {
  return [
    ...marketRoutes(markets),
    ...orderRoutes(orders),
    ...tradeRoutes(trades),
    ...positionRoutes(positions),
    ...walletRoutes(wallets),
    ...riskRoutes(risk),
    ...liquidationRoutes(liquidations, insurance),
    ...adminRoutes(admin, markets),
  ];
}
