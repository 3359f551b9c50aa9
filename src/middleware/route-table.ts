/** All routes of the process, checked and compiled at start-up, and found in one look per request. */
import { z } from 'zod';
import type { Permission } from '../types/principal.ts';
import type { Route } from '../types/route.ts';

export type Params = Readonly<Record<string, string>>;

export interface CompiledRoute extends Route {
  /** With its base: '/api/v1/orders/:id'. */
  readonly fullPath: string;
  readonly paramNames: readonly string[];
}

export interface Match {
  readonly route: CompiledRoute;
  readonly params: Params;
}

interface Node {
  readonly fixed: Map<string, Node>;
  any: Node | undefined;
  readonly routes: Map<string, CompiledRoute>;
}

const PERMISSIONS: readonly Permission[] = ['public', 'read', 'trade', 'withdraw', 'admin'];
const NO_PARAMS: Params = Object.freeze({});

export class RouteTable {
  readonly routes: readonly CompiledRoute[];
  /** Routes without parameters, by method and path. */
  readonly #plain = new Map<string, Match>();
  readonly #root: Node = newNode();

  /** Throws, and so keeps the process from starting, when a route has no permission, an undescribed parameter, a body that lets unknown fields through, replies kept for nobody, or a double. */
  constructor(groups: readonly { readonly base: string; readonly routes: readonly Route[] }[]) {
    this.routes = groups.flatMap(({ base, routes }) => routes.map((route) => compile(base, route)));
    for (const route of this.routes) this.#add(route);
  }

  match(method: string, path: string): Match | undefined {
    const plain = this.#plain.get(`${method} ${path}`);
    if (plain !== undefined) return plain;
    const values: string[] = [];
    const node = find(this.#root, path.split('/'), 1, values);
    const route = node?.routes.get(method);
    if (route === undefined) return method === 'HEAD' ? this.match('GET', path) : undefined;
    const params = decodeParams(route.paramNames, values);
    return params === undefined ? undefined : { route, params };
  }

  /** The methods that a path takes; empty when there is no such path. */
  allowed(path: string): string[] {
    const node = find(this.#root, path.split('/'), 1, []);
    return node === undefined ? [] : [...node.routes.keys()];
  }

  #add(route: CompiledRoute): void {
    let node = this.#root;
    for (const segment of route.fullPath.split('/').slice(1)) node = segment.startsWith(':') ? (node.any ??= newNode()) : child(node, segment);
    if (node.routes.has(route.method)) throw new Error(`${route.method} ${route.fullPath} is declared twice`);
    node.routes.set(route.method, route);
    if (route.paramNames.length === 0) this.#plain.set(`${route.method} ${route.fullPath}`, { route, params: NO_PARAMS });
  }
}

function newNode(): Node {
  return { fixed: new Map(), any: undefined, routes: new Map() };
}

function child(node: Node, segment: string): Node {
  const next = node.fixed.get(segment) ?? newNode();
  node.fixed.set(segment, next);
  return next;
}

/** A fixed segment goes before a parameter. `values` collects the parameters in order. */
function find(node: Node, segments: readonly string[], at: number, values: string[]): Node | undefined {
  if (at === segments.length) return node.routes.size > 0 ? node : undefined;
  const segment = segments[at] as string;
  const fixed = node.fixed.get(segment);
  const found = fixed === undefined ? undefined : find(fixed, segments, at + 1, values);
  if (found !== undefined || node.any === undefined || segment === '') return found;
  values.push(segment);
  const other = find(node.any, segments, at + 1, values);
  if (other === undefined) values.pop();
  return other;
}

function decodeParams(names: readonly string[], values: readonly string[]): Params | undefined {
  const params: Record<string, string> = {};
  try {
    for (const [i, name] of names.entries()) params[name] = decodeURIComponent(values[i] as string);
  } catch {
    return undefined;
  }
  return params;
}

function compile(base: string, route: Route): CompiledRoute {
  const fullPath = base + route.path;
  const name = `${route.method} ${fullPath}`;
  if (!PERMISSIONS.includes(route.permission)) throw new Error(`${name} declares no permission`);
  const paramNames = [...fullPath.matchAll(/:(\w+)/g)].map((match) => match[1] as string);
  const described = route.params === undefined ? {} : (z.toJSONSchema(route.params, { io: 'input' }).properties ?? {});
  const missing = paramNames.find((param) => !(param in described));
  if (missing !== undefined) throw new Error(`${name} does not describe its parameter ${missing}`);
  if (route.body !== undefined && letsUnknownFieldsThrough(z.toJSONSchema(route.body, { io: 'input' }))) throw new Error(`${name} takes a body that lets unknown fields through`);
  if (route.repeats === 'kept' && route.permission === 'public') throw new Error(`${name} keeps replies by keys that are nobody's`);
  return { ...route, fullPath, paramNames };
}

function letsUnknownFieldsThrough(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(letsUnknownFieldsThrough);
  if (typeof schema !== 'object' || schema === null) return false;
  const { type, additionalProperties } = schema as { type?: unknown; additionalProperties?: unknown };
  if (type === 'object' && (additionalProperties === true || Object.keys(additionalProperties ?? {}).length === 0) && additionalProperties !== false) return true;
  return Object.values(schema).some(letsUnknownFieldsThrough);
}
