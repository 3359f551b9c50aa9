import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { clientAddress } from '../../src/middleware/request.ts';
import { startApi } from '../support/api.ts';

/** The address that a request to upgrade counts under. */
async function addressOfUpgrade(t: { after(end: () => Promise<void>): void }, env: Record<string, string>, forwardedFor: string): Promise<string> {
  const api = await startApi({ env });
  t.after(() => api.close());
  const { hostname, port } = new URL(api.url);
  const seen = new Promise<string>((done) => {
    api.server.server.once('upgrade', (request: IncomingMessage, socket: Duplex) => {
      socket.destroy();
      done(clientAddress(request, api.config.trustProxy !== false));
    });
  });
  connect(Number(port), hostname).on('error', () => undefined).write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: ${forwardedFor}\r\n\r\n`);
  return seen;
}

test('a socket counts under the address that the trusted proxy tells', async (t) => {
  assert.equal(await addressOfUpgrade(t, { TRUST_PROXY: '1' }, '203.0.113.9, 198.51.100.7'), '198.51.100.7');
});

test('nobody can make up an address where no proxy is trusted', async (t) => {
  assert.equal(await addressOfUpgrade(t, {}, '203.0.113.9'), '127.0.0.1');
});
