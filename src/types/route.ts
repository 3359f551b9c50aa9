/** What a route is, for those who declare it (controllers), run it (middleware) and document it (validators). */
import type { z } from 'zod';
import type { Permission, Principal } from './principal.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request's `Idempotency-Key`, in the form in which the sequencer takes it. */
export interface Idempotency {
  /** `account:key`; `:key` of nobody, which is for no command. */
  readonly idempotencyKey: string;
  /** Of method, path with query, and validated body. */
  readonly fingerprint: string;
}

/** What a handler knows of its request. Everything in it has been validated and is a new object. */
export interface Context<P extends Permission = Permission, Params = unknown, Query = unknown, Body = unknown> {
  /** Always there unless the route is public. */
  readonly principal: P extends 'public' ? Principal | undefined : Principal;
  /** As it was sent, good or not: for signing out, which one whose time is over may still do. Who is asking is `principal` alone. */
  readonly accessToken: string | undefined;
  /** The client's address, as the configured proxies tell it. */
  readonly ip: string;
  readonly userAgent: string;
  readonly requestId: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** For `sequencer.submit`; undefined when the client sent no key. */
  readonly meta: Idempotency | undefined;
}

/** What is sent as `{ data, meta? }`. */
export interface Reply<T> {
  readonly data: T;
  readonly meta?: { readonly nextCursor?: string; readonly seq?: number };
}

declare const CONTENT: unique symbol;

/** A reply that is text already: worked out while what it says was at hand, sent when it may be. */
export interface Written<T> {
  /** JSON of a Reply<T>. */
  readonly json: string;
  /** Never there: tells the compiler what is in the text. */
  readonly [CONTENT]?: Reply<T>;
}

export function written<T>(reply: Reply<T>): Written<T> {
  return { json: JSON.stringify(reply) };
}

/** A reply outside the JSON envelope: pages, metrics, probes. */
export interface Document {
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Default 200. */
  readonly status?: number;
  /** Default no-store. */
  readonly cacheControl?: string;
  /** Where to go instead; with a status of redirection. */
  readonly location?: string;
}

export type Awaitable<T> = T | Promise<T>;

/**
 * Who answers a repeated Idempotency-Key. `handled`: the handler, from the record of its command or from what it created. `kept`: the first reply, which is kept for a
 * day, so that nothing of the handler runs twice. `ignored`: nobody, where nothing is written or the reply holds secrets.
 */
export type Repeats = 'handled' | 'kept' | 'ignored';

/** A declared route. */
export interface Route {
  readonly method: Method;
  /** Below its base, with `:name` segments: '/orders/:id'. */
  readonly path: string;
  readonly permission: Permission;
  /** Of a public route that does or tells more when somebody is signed in. */
  readonly signIn?: 'optional';
  /** One line for the documentation. */
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly response?: z.ZodType;
  /** Of success. */
  readonly status: number;
  readonly cacheSeconds?: number;
  readonly repeats: Repeats;
  /** Whether it counts for the rate limit of its client's address; default yes. */
  readonly limited?: boolean;
  /** As how many requests one counts, by its unchecked body; default 1. */
  readonly cost?: (body: unknown) => number;
  /** Content type of a Document route. */
  readonly produces?: string;
  /** What a Document route sends by status, where that is JSON. */
  readonly bodies?: Readonly<Record<number, z.ZodType>>;
  readonly handler: (ctx: Context) => Awaitable<Reply<unknown> | Written<unknown> | Document | void>;
}
