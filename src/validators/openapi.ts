/** The OpenAPI 3.1 document, from the same schemas that validate requests. What a route declares is what is documented. */
import { z } from 'zod';
import { MEANINGS } from '../types/code-meanings.ts';
import { CODES, statusOf } from '../types/refusal.ts';
import type { Permission } from '../types/principal.ts';
import type { Route } from '../types/route.ts';

export interface DocumentedRoute extends Route {
  /** With its base. */
  readonly fullPath: string;
}

type Json = Readonly<Record<string, unknown>>;

const PROBLEM_REF = { $ref: '#/components/responses/Problem' };
const META: Json = { type: 'object', properties: { nextCursor: { type: 'string' }, seq: { type: 'integer' } } };

export function openApiDocument(routes: readonly DocumentedRoute[]): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.fullPath.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bourse',
      version: '1',
      description: 'Amounts, prices and rates are decimal strings; times are integer milliseconds since the epoch, UTC; ids are opaque strings.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      responses: { Problem: { description: 'What was wrong (RFC 9457)', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } } },
      schemas: { Problem: problemSchema() },
    },
  };
}

function operation(route: DocumentedRoute): Json {
  return {
    operationId: operationId(route),
    tags: [tagOf(route.fullPath)],
    summary: route.summary,
    ...(route.permission === 'public' ? {} : { security: [{ bearer: [] }], 'x-permission': route.permission satisfies Permission }),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query'), ...(route.repeats === 'ignored' ? [] : [IDEMPOTENCY_KEY])],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body) } } } }),
    responses: { [route.status]: success(route), default: PROBLEM_REF },
  };
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request gives the same reply and no second effect',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,64}$' },
};

function success(route: Route): Json {
  if (route.produces !== undefined) return { description: route.summary, content: { [route.produces]: {} } };
  if (route.response === undefined) return { description: 'done' };
  const schema = { type: 'object', required: ['data'], properties: { data: schemaOf(route.response), meta: META } };
  return { description: route.summary, content: { 'application/json': { schema } } };
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema) as { properties?: Record<string, unknown>; required?: readonly string[] };
  return Object.entries(properties).map(([name, property]) => ({ name, in: place, required: place === 'path' || required.includes(name), schema: property }));
}

/** As clients write it: before defaults and transformations. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

function problemSchema(): Json {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string', enum: CODES },
      detail: { type: 'string' },
      requestId: { type: 'string' },
      errors: { type: 'array', items: { type: 'object', required: ['path', 'message'], properties: { path: { type: 'string' }, message: { type: 'string' } } } },
    },
    'x-status-by-code': Object.fromEntries(CODES.map((code) => [code, statusOf(code)])),
    'x-meaning-by-code': MEANINGS,
  };
}

/** 'GET /api/v1/markets/:symbol/trades' → 'getMarketsBySymbolTrades'. */
function operationId(route: DocumentedRoute): string {
  const words = route.fullPath.replace(/^\/api\/v1/, '').split(/[/.-]/).filter((word) => word !== '');
  const name = words.map((word) => (word.startsWith(':') ? `By${capital(word.slice(1))}` : capital(word))).join('');
  return route.method.toLowerCase() + name;
}

function capital(word: string): string {
  return (word[0] as string).toUpperCase() + word.slice(1);
}

function tagOf(path: string): string {
  const [first = 'system'] = path.startsWith('/api/v1/') ? path.slice('/api/v1/'.length).split('/') : ['system'];
  return first;
}
