/** What the stages of the pipeline hand to each other on a request. */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../types/principal.ts';
import type { Refusal } from '../types/refusal.ts';
import type { Context } from '../types/route.ts';
import type { CompiledRoute, Params } from './route-table.ts';

export type Query = Readonly<Record<string, string | string[] | undefined>>;

const NO_PARAMS: Params = Object.freeze({});
const NO_QUERY: Query = Object.freeze({});

/** Fields are declared here once, so that every request object has the same shape. */
export class ApiRequest extends IncomingMessage {
  requestId = '';
  /** performance.now() at arrival. */
  startedAt = 0;
  /** The client's, as the configured proxies tell it. */
  address = '';
  /** Path without query. */
  pathname = '';
  parsedQuery: Query = NO_QUERY;
  /** undefined: no such route. */
  matched: CompiledRoute | undefined = undefined;
  pathParams: Params = NO_PARAMS;
  /** Parsed JSON. */
  body: unknown = undefined;
  /** Why body or query cannot be taken as they were sent. Raised when the request has been counted, so that nobody sends bad ones without limit. */
  inputFailure: Refusal | undefined = undefined;
  /** The bearer token as it was sent, good or not. */
  accessToken: string | undefined = undefined;
  principal: Principal | undefined = undefined;
  /** Why a credential that was sent is no good; matters only where one is needed. */
  authFailure: Refusal | undefined = undefined;
  context: Context | undefined = undefined;
  /** Its neighbours among the requests of the connection that have not come to their handlers, and what it does when none is ahead any more. */
  ahead: ApiRequest | undefined = undefined;
  behind: ApiRequest | undefined = undefined;
  goOn: Next | undefined = undefined;
}

export class ApiResponse extends ServerResponse<ApiRequest> {
  /** Names and values in turn, written in one go with the status line: several times cheaper than setting them one by one. */
  lines: string[] = [];
  /** Turns compression on for this reply; set by the compression stage where the client takes it. */
  compress: (() => void) | undefined = undefined;
}

export type Next = (error?: unknown) => void;
export type Stage = (req: ApiRequest, res: ApiResponse, next: Next) => void;
