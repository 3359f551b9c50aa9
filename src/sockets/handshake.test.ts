import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test, type TestContext } from 'node:test';
import type { Namespace, Socket } from 'socket.io';
import type { Principal } from '../types/principal.ts';
import type { CallContext } from './calls.ts';
import type { Connections } from './connections.ts';
import { usersOnly } from './handshake.ts';

const NOW = 1_700_000_000_000;
const TOKEN_MS = 15 * 60_000;

/** A socket that has been let in with a token of a quarter of an hour, in a time that the test sets; timers go on by `tick`. */
function letIn(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const time = { now: NOW };
  const principal: Principal = { userId: 'ann', account: 2, roles: ['user'], permissions: ['read'], sessionId: 's', expiresAt: NOW + TOKEN_MS };
  const nsp = Object.assign(new EventEmitter(), { use: () => undefined, sockets: new Map() });
  usersOnly(nsp as unknown as Namespace, {
    auth: { authenticate: () => principal, onRevoked: () => () => undefined },
    connections: { of: () => ({ address: '' }) } as unknown as Connections, context: {} as CallContext, clock: () => time.now, allowed: () => true,
  });
  let closed = false;
  const conn = { close: () => { closed = true; } };
  const socket = Object.assign(new EventEmitter(), { data: { principal }, conn, handshake: { auth: { token: 'a' } }, disconnect: () => undefined });
  nsp.emit('connection', socket as unknown as Socket);
  return { time, isClosed: () => closed, tick: (ms: number) => t.mock.timers.tick(ms) };
}

test('a socket ends with its token, not before', (t) => {
  const { time, isClosed, tick } = letIn(t);
  for (let left = TOKEN_MS; left > 0; left -= 1_000) {
    assert.equal(isClosed(), false);
    time.now += 1_000;
    tick(1_000);
  }
  assert.equal(isClosed(), true);
});

test('a socket does not outlive its token by the time that the machine was suspended', (t) => {
  const { time, isClosed, tick } = letIn(t);
  time.now += TOKEN_MS;
  tick(60_000);
  assert.equal(isClosed(), true);
});
