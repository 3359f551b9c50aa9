/**
 * How a controller declares its routes. The declaration is all there is: permission, validation, documentation and the handler come from it.
 * Nothing here touches the network; `middleware/` runs what is declared.
 */
import type { z } from 'zod';
import type { Permission } from '../types/principal.ts';
import type { Awaitable, Context, Document, Method, Repeats, Reply, Route, Written } from '../types/route.ts';

type Schema = z.ZodType;
type Result<Response extends Schema> = Response extends z.ZodUndefined ? void : Reply<z.input<Response>> | Written<z.input<Response>>;

export interface RouteSpec<P extends Permission, Params extends Schema, Query extends Schema, Body extends Schema, Response extends Schema> {
  readonly method: Method;
  /** Below /api/v1, with `:name` segments: '/orders/:id'. */
  readonly path: string;
  readonly permission: P;
  /** Of a public route that does or tells more when somebody is signed in. For the documentation. */
  readonly signIn?: P extends 'public' ? 'optional' : never;
  /** One line for the documentation. */
  readonly summary: string;
  /** Must describe every `:name` of the path. */
  readonly params?: Params;
  readonly query?: Query;
  /** Objects in it must be strict (z.strictObject): unknown fields are refused on writes. */
  readonly body?: Body;
  /** Of `data`. None: the reply is 204 and the handler returns nothing. */
  readonly response?: Response;
  /** Default 200, or 204 without a response. */
  readonly status?: number;
  /** Public market data only: lets clients and CDNs keep the reply so long, with an ETag. Default: no-store. */
  readonly cacheSeconds?: number;
  /** Default: handled where something is written for somebody, else ignored. */
  readonly repeats?: Repeats;
  /** As how many requests one counts for the rate limit, by its unchecked body; default 1. */
  readonly cost?: Route['cost'];
  readonly handler: (ctx: Context<P, z.output<Params>, z.output<Query>, z.output<Body>>) => Awaitable<Result<Response>>;
}

/** Declares a JSON route. Handlers throw a Refusal for what they turn down. */
export function route<
  P extends Permission,
  Params extends Schema = z.ZodUndefined,
  Query extends Schema = z.ZodUndefined,
  Body extends Schema = z.ZodUndefined,
  Response extends Schema = z.ZodUndefined,
>(spec: RouteSpec<P, Params, Query, Body, Response>): Route {
  const { handler, status, repeats, ...rest } = spec;
  const writes = spec.method !== 'GET' && spec.permission !== 'public';
  return {
    ...rest,
    status: status ?? (spec.response === undefined ? 204 : 200),
    repeats: repeats ?? (writes ? 'handled' : 'ignored'),
    handler: handler as Route['handler'],
  };
}

/** Declares a route that answers with a document of its own type. */
export function documentRoute(spec: {
  readonly path: string;
  readonly permission: Permission;
  readonly summary: string;
  readonly produces: string;
  /** By status; where the document is JSON. */
  readonly bodies?: Route['bodies'];
  /** Default true. */
  readonly limited?: boolean;
  readonly params?: Schema;
  readonly handler: (ctx: Context) => Awaitable<Document>;
}): Route {
  return { ...spec, method: 'GET', status: 200, repeats: 'ignored' };
}

export type { Context, Document, Route } from '../types/route.ts';
