/**
 * Reads and parses the body of a write. Finds what is not JSON, is too large (after inflation), too deep, has too many keys, the same key
 * twice, or a key that reaches for a prototype; that is refused once the request is counted. Does by itself what `express.json()` does, since that can see
 * neither double keys nor depth. From here on requests of one connection go in order, whichever body is there first.
 */
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Refusal } from '../types/refusal.ts';
import { shapeOf, walkKeys } from '../utils/json-shape.ts';
import { arrive, inOrder } from './connection-order.ts';
import type { ApiRequest, ApiResponse, Next, Stage } from './http.ts';
import type { OverLimit } from './rate-limiter.ts';

const BODY_LIMIT = 100_000;
const MAX_DEPTH = 32;
const MAX_KEYS = 1_000;
const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i;
const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const DECODERS = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress } as const;

/** @param overLimit whose bodies are not worth reading, since their requests will be refused. */
export function json(overLimit: Pick<OverLimit, 'refusal'>): Stage {
  return (req, res, next) => {
    arrive(req);
    if (!takesBody(req)) return inOrder(req, next);
    if (!JSON_TYPE.test(req.headers['content-type'] ?? '')) return failUnread(req, res, next, new Refusal('UNSUPPORTED_MEDIA_TYPE', 'send application/json in UTF-8'));
    const length = req.headers['content-length'];
    if (Number(length) > BODY_LIMIT) return failUnread(req, res, next, tooLarge());
    const refusal = overLimit.refusal(req.address);
    // A short body that is not read comes and goes by itself; one of unknown length might never end.
    if (refusal !== undefined) return length === undefined ? failUnread(req, res, next, refusal) : fail(req, next, refusal);
    const stream = decoded(req);
    if (stream === undefined) return failUnread(req, res, next, new Refusal('UNSUPPORTED_MEDIA_TYPE', `send a body that is plain, or one of ${Object.keys(DECODERS).join(', ')}`));
    read(req, stream, (bytes) => {
      if (bytes instanceof Refusal) return failUnread(req, res, next, bytes);
      const body = parse(bytes);
      if (body instanceof Refusal) return fail(req, next, body);
      req.body = body;
      inOrder(req, next);
    });
  };
}

/** A body that no route asks for is never read. */
function takesBody(req: ApiRequest): boolean {
  if (req.matched === undefined || req.method === 'GET' || req.method === 'HEAD') return false;
  const length = req.headers['content-length'];
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** No handler will be called, so nothing is waited for. */
function fail(req: ApiRequest, next: Next, refusal: Refusal): void {
  req.inputFailure = refusal;
  next();
}

/** What is left of the body is not waited for: the connection ends with the reply. */
function failUnread(req: ApiRequest, res: ApiResponse, next: Next, refusal: Refusal): void {
  res.lines.push('Connection', 'close');
  fail(req, next, refusal);
}

function decoded(req: ApiRequest): Readable | undefined {
  const encoding = req.headers['content-encoding']?.toLowerCase();
  if (encoding === undefined || encoding === 'identity') return req;
  if (!Object.hasOwn(DECODERS, encoding)) return undefined;
  const decoder = DECODERS[encoding as keyof typeof DECODERS]();
  req.once('close', () => {
    if (!req.complete) decoder.destroy();
  });
  return req.pipe(decoder);
}

/** Calls back once; never, when the client goes away in the middle. */
function read(req: ApiRequest, stream: Readable, done: (result: Buffer | Refusal) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const finish = (result: Buffer | Refusal): void => {
    stream.off('data', onData).off('end', onEnd);
    if (stream !== req) stream.destroy();
    done(result);
  };
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length > BODY_LIMIT) return finish(tooLarge());
    chunks.push(chunk);
  };
  const onEnd = (): void => finish(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  stream.on('data', onData).on('end', onEnd);
  if (stream !== req) stream.once('error', () => finish(malformed('the body is not encoded as it says')));
}

function parse(bytes: Buffer): unknown {
  const { depth, keys } = shapeOf(bytes);
  if (depth > MAX_DEPTH) return malformed(`the body is nested more than ${MAX_DEPTH} deep`);
  if (keys > MAX_KEYS) return malformed(`the body has more than ${MAX_KEYS} keys`);
  if (!isUtf8(bytes)) return malformed('the body is not UTF-8');
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    return malformed('the body is not JSON');
  }
  let forbidden = false;
  const different = walkKeys(body, (key) => (forbidden ||= PROTOTYPE_KEYS.has(key)));
  if (forbidden) return malformed(`the body has a key that is one of ${[...PROTOTYPE_KEYS].join(', ')}`);
  return different === keys ? body : malformed('the body has the same key twice');
}

function malformed(detail: string): Refusal {
  return new Refusal('VALIDATION_FAILED', detail);
}

function tooLarge(): Refusal {
  return new Refusal('PAYLOAD_TOO_LARGE', `a body may have ${BODY_LIMIT} bytes, after inflation`);
}
