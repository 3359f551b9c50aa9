/**
 * Keeps the requests of one connection in the order in which they came, up to their handlers: a client may send the next before it has the
 * reply to the last, and only what changes nothing may then be done at the same time (RFC 9112, 9.3.2). Whoever has waited for replies waits for nothing here.
 */
import type { Socket } from 'node:net';
import type { ApiRequest, Next } from './http.ts';

/** The last request of the connection that has not come to its handler. */
const LAST = Symbol('last request');
type Connection = Socket & { [LAST]?: ApiRequest | undefined };

/** Of each request, as it arrives. It then holds up those behind it until it departs. */
export function arrive(req: ApiRequest): void {
  const connection = req.socket as Connection;
  const last = connection[LAST];
  connection[LAST] = req;
  if (last === undefined) return;
  req.ahead = last;
  last.behind = req;
}

/** Goes on at once, or when all that came before on this connection have departed. */
export function inOrder(req: ApiRequest, next: Next): void {
  if (req.ahead === undefined) next();
  else req.goOn = next;
}

/** The handler has been called, or never will be. May be called again. */
export function depart(req: ApiRequest): void {
  const { ahead, behind } = req;
  const connection = req.socket as Connection;
  if (connection[LAST] === req) connection[LAST] = ahead;
  if (ahead !== undefined) ahead.behind = behind;
  if (behind !== undefined) behind.ahead = ahead;
  req.ahead = req.behind = undefined;
  // Not from here: a thousand that wait would be a thousand deep.
  if (ahead === undefined && behind?.goOn !== undefined) process.nextTick(behind.goOn);
}
