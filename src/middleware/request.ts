/** First of all stages: gives the request its id, address and route, and counts and logs it when it is over. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { canonicalAddress } from '../utils/addresses.ts';
import { depart } from './connection-order.ts';
import type { ApiRequest, ApiResponse, Stage } from './http.ts';
import type { CompiledRoute, RouteTable } from './route-table.ts';

export interface RequestOptions {
  readonly table: RouteTable;
  readonly metrics: Pick<Metrics, 'httpSeconds' | 'httpInFlight'>;
  readonly logger: Logger;
  /** Whether X-Forwarded-For counts; whose is Express's setting `trust proxy`. Where it does not, the first that comes is logged. */
  readonly behindProxy: boolean;
}

const UNMATCHED = 'unmatched';

export function request(options: RequestOptions): Stage {
  const { table, metrics, logger, behindProxy } = options;
  const observe = durations(metrics);
  let warned = behindProxy;
  return (req, res, next) => {
    req.startedAt = performance.now();
    req.requestId = randomUUID();
    res.lines.push('X-Request-Id', req.requestId);
    req.address = clientAddress(req, behindProxy);
    if (!warned && req.headers['x-forwarded-for'] !== undefined) {
      warned = true;
      logger.warn('a request came with X-Forwarded-For, and TRUST_PROXY is not set: everybody behind that proxy counts as the proxy, for limits and for ADMIN_IPS', { ip: req.address });
    }
    findRoute(table, req);
    metrics.httpInFlight.inc();
    res.once('close', () => {
      metrics.httpInFlight.dec();
      // Answered by a stage. One that was not may still come to its handler.
      if (res.writableEnded) depart(req);
      const seconds = (performance.now() - req.startedAt) / 1_000;
      observe(req, res, seconds);
      logger.debug('request', { requestId: req.requestId, method: req.method, path: req.pathname, status: res.statusCode, ms: Math.round(seconds * 1_000_000) / 1_000, ip: req.address });
    });
    next();
  };
}

/** The client's address, as the trusted proxies tell it; also of a request to upgrade, which does not pass the pipeline. */
export function clientAddress(req: IncomingMessage, behindProxy: boolean): string {
  // `ip` is Express's, on the prototype of every request of its server.
  return canonicalAddress((behindProxy ? (req as { ip?: string }).ip : req.socket.remoteAddress) ?? '');
}

function findRoute(table: RouteTable, req: ApiRequest): void {
  const url = req.url as string;
  const mark = url.indexOf('?');
  req.pathname = mark < 0 ? url : url.slice(0, mark);
  if (mark >= 0) req.parsedQuery = parseQuery(url.slice(mark + 1));
  const match = table.match(req.method as string, req.pathname);
  if (match === undefined) return;
  req.matched = match.route;
  req.pathParams = match.params;
}

interface Child {
  observe(seconds: number): void;
}

/** Histogram children by route and status, since looking labels up costs more than counting. */
function durations(metrics: RequestOptions['metrics']): (req: ApiRequest, res: ApiResponse, seconds: number) => void {
  const children = new Map<CompiledRoute | undefined, Map<number, Child>>();
  const childOf = (route: CompiledRoute | undefined, status: number): Child =>
    metrics.httpSeconds.labels({ method: route?.method ?? UNMATCHED, route: route?.fullPath ?? UNMATCHED, status: String(status) });
  return (req, res, seconds) => {
    let byStatus = children.get(req.matched);
    if (byStatus === undefined) children.set(req.matched, (byStatus = new Map()));
    let child = byStatus.get(res.statusCode);
    if (child === undefined) byStatus.set(res.statusCode, (child = childOf(req.matched, res.statusCode)));
    child.observe(seconds);
  };
}
