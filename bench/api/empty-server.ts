/**
 * The same pipelines with nothing behind them: the same HTTP server, stages, validators and tokens, the same socket server with its handshake, budgets and
 * validators, and handlers that answer a fixed order at once. Beside them Socket.IO as it comes, with one event that is acknowledged and no more.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { route } from '../../src/controllers/route.ts';
import type { Order } from '../../src/models/orders.ts';
import { newOrder } from '../../src/validators/order.ts';
import { order as orderReply } from '../../src/validators/replies.ts';
import { DEFAULT_LIMITS } from '../../src/sockets/budgets.ts';
import { clearCpu, takeCpu } from '../../src/utils/cpus.ts';
import { startApi } from '../../tests/support/api.ts';
import { SocketWorld } from '../../tests/support/socket-world.ts';

const ORDER: Order = {
  id: '1', clientOrderId: null, symbol: 'BNC-USDT', side: 'buy', type: 'limit', status: 'new', price: '1000', stopPrice: null, quantity: '0.01', filledQuantity: '0', remainingQuantity: '0.01',
  averagePrice: null, timeInForce: 'GTC', postOnly: false, reduceOnly: false, selfTradePrevention: 'expire_taker', fee: '0', feeAsset: 'BNC', createdAt: 0, updatedAt: 0, seq: 1, fills: [],
};

const api = await startApi({
  routes: [route({ method: 'POST', path: '/orders', permission: 'trade', summary: 'Nothing', body: newOrder, response: orderReply, status: 201, handler: async () => ({ data: ORDER }) })],
});

const none = (): Promise<never> => Promise.reject(new Error('nothing but order:place is measured'));
const sockets = await SocketWorld.start(
  { limits: { ...DEFAULT_LIMITS, messagesPerSecond: Infinity, messageBurst: Infinity }, tickMs: 50 },
  { orders: { place: async () => ORDER, amend: none, cancel: none, placeBatch: none } },
);

const plain = createServer();
new Server(plain, { serveClient: false, transports: ['websocket'] }).of('/user').on('connection', (socket) => {
  socket.on('empty', (ack: (reply: object) => void) => ack({ ok: true }));
});
const cpu = process.env.SERVING_CPU;
if (cpu !== undefined) {
  clearCpu(Number(cpu));
  takeCpu(Number(cpu));
}
await new Promise<void>((listening) => plain.listen(0, '127.0.0.1', listening));
const { port } = plain.address() as AddressInfo;

console.log(JSON.stringify({ msg: 'ready', url: api.url, sockets: sockets.url, plain: `http://127.0.0.1:${port}` }));

process.on('SIGTERM', () => process.exit());
