/** Routes under /positions. */
import { perpetualPath } from '../validators/market.ts';
import { adjustMargin, closePosition, positionsQuery, setLeverage, setMarginMode } from '../validators/position.ts';
import { list, order, position, positionSettings } from '../validators/replies.ts';
import type { PositionService } from '../services/positions.ts';
import { listReply } from './listing.ts';
import { route, type Route } from './route.ts';

export function positionRoutes(positions: PositionService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/positions',
      permission: 'read',
      summary: 'Own positions: the open ones (default) or those that were closed, last touched first',
      query: positionsQuery,
      response: list(position),
      handler: async ({ principal, query }) => listReply(await positions.list(principal, query)),
    }),
    route({
      method: 'GET',
      path: '/positions/:symbol',
      permission: 'read',
      summary: 'The open position in a market, else the one closed last',
      params: perpetualPath,
      response: position,
      handler: async ({ principal, params }) => ({ data: await positions.get(principal, params.symbol) }),
    }),
    route({
      method: 'POST',
      path: '/positions/:symbol/close',
      permission: 'trade',
      summary: 'Close a position at the market: `quantity` of it, else all of it or as much as one market order may have; answered with the order that did it',
      params: perpetualPath,
      body: closePosition,
      response: order,
      status: 201,
      handler: async ({ principal, params, body, meta }) => ({ data: await positions.close(principal, params.symbol, body, meta) }),
    }),
    route({
      method: 'PUT',
      path: '/positions/:symbol/leverage',
      permission: 'trade',
      repeats: 'kept',
      summary: 'Set the leverage of a market, and of the position open in it',
      params: perpetualPath,
      body: setLeverage,
      response: positionSettings,
      handler: async ({ principal, params, body, meta }) => ({ data: await positions.setLeverage(principal, params.symbol, body.leverage, meta) }),
    }),
    route({
      method: 'PUT',
      path: '/positions/:symbol/margin-mode',
      permission: 'trade',
      repeats: 'kept',
      summary: 'Choose the margin mode; only isolated margin is offered',
      params: perpetualPath,
      body: setMarginMode,
      response: positionSettings,
      handler: async ({ principal, params }) => ({ data: await positions.settings(principal, params.symbol) }),
    }),
    route({
      method: 'POST',
      path: '/positions/:symbol/margin',
      permission: 'trade',
      repeats: 'kept',
      summary: 'Move margin into a position (positive) or back to the futures wallet (negative)',
      params: perpetualPath,
      body: adjustMargin,
      response: position,
      handler: async ({ principal, params, body, meta }) => ({ data: await positions.adjustMargin(principal, params.symbol, body.amount, meta) }),
    }),
  ];
}
