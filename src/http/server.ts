/** The HTTP server around the application: limits on time and connections, and an end that lets running requests finish. */
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Express } from 'express';
import type { Config } from '../config/config.ts';
import { problem } from '../middleware/errors.ts';
import { ApiRequest, ApiResponse } from '../middleware/http.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Refusal, statusOf } from '../types/refusal.ts';
import { limitConnections } from './connection-limits.ts';

const HEADERS_TIMEOUT_MS = 10_000;
/** How long a client has to read why its connection is closed. */
const LINGER_MS = 1_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Without a byte in either direction: ends readers that do not read. */
const IDLE_TIMEOUT_MS = 75_000;
const CHECK_INTERVAL_MS = 2_000;
const MAX_HEADER_BYTES = 16_384;
const SWEEP_MS = 50;
/** Scheme and authority of a target that is a whole URL. */
const ORIGIN = /^https?:\/\/[^/?#]+/i;

export interface HttpServer {
  /** What Socket.IO attaches to. */
  readonly server: Server;
  /** Resolves with the URL; port 0 picks a free one. */
  listen(port: number, host: string): Promise<string>;
  /** Takes no more, lets running requests finish until the deadline, then ends what is left. */
  close(): Promise<void>;
}

export interface ServerParts {
  readonly app: Express;
  readonly config: Pick<Config, 'connections' | 'trustProxy' | 'drainTimeoutMs'>;
  readonly metrics: Pick<Metrics, 'rateLimited'>;
  readonly logger: Logger;
}

export function createServer({ app, config, metrics, logger }: ServerParts): HttpServer {
  const server = createHttpServer({
    ...messageClasses(app),
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
    // Checked in `admit`: Node's own refusal is empty.
    requireHostHeader: false,
    // Any other offer (h2c, as some clients make it with each first request) may be ignored: RFC 9110, 7.8.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
  }, (req, res) => admit(app, req, res));
  server.setTimeout(IDLE_TIMEOUT_MS);
  const { total, perAddress } = config.connections;
  const sockets = limitConnections(server, { total, perAddress: config.trustProxy === false ? perAddress : undefined, metrics, logger });
  answerMalformed(server);
  server.on('checkExpectation', (_req, res) => refuseAndClose(res, new Refusal('VALIDATION_FAILED', 'nothing but 100-continue can be expected')));
  return {
    server,
    listen: (port, host) => listen(server, port, host),
    close: () => drain(server, sockets, config.drainTimeoutMs),
  };
}

/**
 * Classes whose prototypes are the application's own, so that Express finds them in place instead of giving each request another
 * prototype, which costs V8 its optimised property access.
 */
function messageClasses(app: Express): { IncomingMessage: typeof IncomingMessage; ServerResponse: typeof ServerResponse } {
  class Request extends ApiRequest {}
  class Response extends ApiResponse {}
  Object.setPrototypeOf(Request.prototype, app.request);
  Object.setPrototypeOf(Response.prototype, app.response);
  app.request = Request.prototype as unknown as Express['request'];
  app.response = Response.prototype as unknown as Express['response'];
  return { IncomingMessage: Request, ServerResponse: Response as unknown as typeof ServerResponse };
}

/** What the parser could not make a request of still gets a reply of the documented form. */
function answerMalformed(server: Server): void {
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const { status, headers, body } = refused(whyMalformed(error));
    const lines = Object.entries({ ...headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
    // Closing at once could cost the client the reply; one that does not close its side must not keep the connection.
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}

function whyMalformed({ code }: { readonly code?: string }): Refusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal('PAYLOAD_TOO_LARGE', 'the headers are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal('VALIDATION_FAILED', 'the request was not complete in time');
    default:
      return new Refusal('VALIDATION_FAILED', 'this is not an HTTP request');
  }
}

/** Lets into the pipeline what is HTTP as RFC 9112 has it: with a Host (3.2), and with a path for a target, whether or not it came as a whole URL (3.2.2). */
function admit(app: Express, req: IncomingMessage, res: ServerResponse): void {
  if (req.headers.host === undefined && req.httpVersion === '1.1') return refuseAndClose(res, new Refusal('VALIDATION_FAILED', 'send a Host header'));
  const target = req.url as string;
  if (!target.startsWith('/')) req.url = target.replace(ORIGIN, '').replace(/^(?=\?|$)/, '/');
  app(req as Parameters<Express>[0], res as Parameters<Express>[1], (error?: unknown) => answerUnhandled(res, error));
}

/** Nothing more is read: what follows may be this request's body, or not. */
function refuseAndClose(res: ServerResponse, refusal: Refusal): void {
  const { status, headers, body } = refused(refusal);
  res.writeHead(status, { ...headers, Connection: 'close' }).end(body);
}

/** What no stage has taken: a target that is no path. An error here is the error handler's own, and nothing that it wrote is to be trusted. */
function answerUnhandled(res: ServerResponse, error: unknown): void {
  if (error !== undefined || res.headersSent) return void res.destroy();
  const { status, headers, body } = refused(new Refusal('NOT_FOUND', 'there is no such route'));
  res.writeHead(status, headers).end(body);
}

/** A reply of the documented form from outside the pipeline. */
function refused(refusal: Refusal): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const requestId = randomUUID();
  const body = problem(refusal, requestId);
  const headers = { 'X-Request-Id': requestId, 'Cache-Control': 'no-store', 'Content-Type': 'application/problem+json', 'Content-Length': String(Buffer.byteLength(body)) };
  return { status: statusOf(refusal.code), headers, body };
}

function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const { address, family, port: taken } = server.address() as AddressInfo;
      resolve(`http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`);
    });
  });
}

async function drain(server: Server, sockets: ReadonlySet<Socket>, timeoutMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.prependListener('request', (_req, res) => void res.setHeader('Connection', 'close'));
  // A connection whose last request ends only now becomes idle only now.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const deadline = setTimeout(() => sockets.forEach((socket) => socket.destroy()), timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}
