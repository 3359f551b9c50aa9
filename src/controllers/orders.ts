/** Routes under /orders. */
import { amendOrder, cancelAfter, cancelAllQuery, cancelBatch, costOfBatch, newOrder, orderBatch, orderPath, ordersQuery } from '../validators/order.ts';
import { batchResult, canceled, deadManSwitch, list, order } from '../validators/replies.ts';
import type { OrderService } from '../services/orders.ts';
import { listReply } from './listing.ts';
import { written, type Written } from '../types/route.ts';
import { route, type Route } from './route.ts';

export function orderRoutes(orders: OrderService): Route[] {
  return [
    route({
      method: 'POST',
      path: '/orders',
      permission: 'trade',
      summary: 'Place an order; answered with its fills once it is durable',
      body: newOrder,
      response: order,
      status: 201,
      handler: ({ principal, body, meta }) => orders.place(principal, body, meta, asWritten),
    }),
    route({
      method: 'POST',
      path: '/orders/batch',
      permission: 'trade',
      summary: 'Place up to 50 orders in turn as one unit; one result per order',
      body: orderBatch,
      cost: costOfBatch,
      response: list(batchResult),
      handler: ({ principal, body, meta }) => orders.placeBatch(principal, body.orders, meta, asWritten),
    }),
    route({
      method: 'DELETE',
      path: '/orders/batch',
      permission: 'trade',
      summary: 'Cancel up to 50 orders; one result per id',
      body: cancelBatch,
      cost: costOfBatch,
      response: list(batchResult),
      handler: async ({ principal, body, meta }) => ({ data: await orders.cancelBatch(principal, body.ids, meta) }),
    }),
    route({
      method: 'PUT',
      path: '/orders/cancel-after',
      permission: 'trade',
      summary: 'Arm the dead-man switch: open orders are canceled when this is not repeated in time; 0 disarms',
      body: cancelAfter,
      response: deadManSwitch,
      handler: async ({ principal, body, meta }) => ({ data: await orders.cancelAfter(principal, body, meta) }),
    }),
    route({
      method: 'GET',
      path: '/orders',
      permission: 'read',
      summary: 'Own orders, open and ended, newest first',
      query: ordersQuery,
      response: list(order),
      handler: async ({ principal, query }) => listReply(await orders.list(principal, query)),
    }),
    route({
      method: 'DELETE',
      path: '/orders',
      permission: 'trade',
      summary: 'Cancel all open orders, of one market or of all',
      query: cancelAllQuery,
      response: canceled,
      handler: async ({ principal, query, meta }) => ({ data: await orders.cancelAll(principal, query, meta) }),
    }),
    route({
      method: 'GET',
      path: '/orders/:id',
      permission: 'read',
      summary: 'One own order, by id or client:<clientOrderId>, with its fills',
      params: orderPath,
      response: order,
      handler: async ({ principal, params }) => ({ data: await orders.get(principal, params.id) }),
    }),
    route({
      method: 'PATCH',
      path: '/orders/:id',
      permission: 'trade',
      summary: 'Change price or total quantity of an open order; a lower quantity keeps its place',
      params: orderPath,
      body: amendOrder,
      response: order,
      handler: async ({ principal, params, body, meta }) => ({ data: await orders.amend(principal, params.id, body, meta) }),
    }),
    route({
      method: 'DELETE',
      path: '/orders/:id',
      permission: 'trade',
      summary: 'Cancel an open order',
      params: orderPath,
      response: order,
      handler: async ({ principal, params, meta }) => ({ data: await orders.cancel(principal, params.id, meta) }),
    }),
  ];
}

function asWritten<T>(data: T): Written<T> {
  return written({ data });
}
