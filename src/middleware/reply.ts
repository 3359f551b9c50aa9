/** Writes replies: the envelope, documents, nothing. The one place where a status line and a body are made, problems included. */
import { createHash } from 'node:crypto';
import type { Document, Reply } from '../types/route.ts';
import { COMPRESSION_THRESHOLD } from './compression.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import type { CompiledRoute } from './route-table.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const NO_STORE = 'no-store';

export function sendData(req: ApiRequest, res: ApiResponse, route: CompiledRoute, reply: Reply<unknown>): void {
  const fields = (req.context?.query as { fields?: readonly string[] } | undefined)?.fields;
  const data = fields === undefined ? reply.data : pick(reply.data, fields);
  sendJson(req, res, route, JSON.stringify(reply.meta === undefined ? { data } : { data, meta: reply.meta }));
}

/** `body`: a whole reply, written already. */
export function sendJson(req: ApiRequest, res: ApiResponse, route: CompiledRoute, body: string): void {
  if (route.cacheSeconds === undefined) send(req, res, route.status, JSON_TYPE, body, NO_STORE);
  else sendCacheable(req, res, body, route.cacheSeconds);
}

export function sendDocument(req: ApiRequest, res: ApiResponse, document: Document): void {
  if (document.location !== undefined) res.lines.push('Location', document.location);
  send(req, res, document.status ?? 200, document.contentType, document.body, document.cacheControl ?? NO_STORE);
}

export function sendNothing(res: ApiResponse, status: number): void {
  res.lines.push('Cache-Control', NO_STORE);
  res.writeHead(status, res.lines).end();
}

export function send(req: ApiRequest, res: ApiResponse, status: number, type: string, body: string | Buffer, cacheControl: string): void {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  if (length >= COMPRESSION_THRESHOLD) res.compress?.();
  res.lines.push('Cache-Control', cacheControl, 'Content-Type', type, 'Content-Length', String(length));
  res.writeHead(status, res.lines);
  if (req.method === 'HEAD') res.end();
  else res.end(body);
}

function sendCacheable(req: ApiRequest, res: ApiResponse, body: string, seconds: number): void {
  const etag = `W/"${createHash('sha1').update(body).digest('base64url')}"`;
  res.lines.push('ETag', etag);
  const cacheControl = `public, max-age=${seconds}`;
  if (!matches(req.headers['if-none-match'], etag)) return send(req, res, 200, JSON_TYPE, body, cacheControl);
  res.lines.push('Cache-Control', cacheControl);
  res.writeHead(304, res.lines).end();
}

/** RFC 9110, 13.1.2: weak comparison, or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header === '*' || header.split(',').some((item) => item.trim().replace(/^W\//, '') === etag.slice(2));
}

/** Only the named fields, of the object or of each item. */
function pick(data: unknown, fields: readonly string[]): unknown {
  if (Array.isArray(data)) return data.map((item) => pick(item, fields));
  if (typeof data !== 'object' || data === null) return data;
  const source = data as Readonly<Record<string, unknown>>;
  return Object.fromEntries(fields.filter((field) => Object.hasOwn(source, field)).map((field) => [field, source[field]]));
}
