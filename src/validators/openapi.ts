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
      headers: HEADERS,
      responses: {
        Problem: problem('What was wrong (RFC 9457)'),
        RateLimited: problem('Too many requests from this address; or too many attempts to sign in'),
        NotModified: { description: 'What the client has is still so', headers: headers('X-Request-Id', 'RateLimit-Policy', 'RateLimit', 'ETag') },
      },
      schemas: { Problem: problemSchema() },
    },
  };
}

function operation(route: DocumentedRoute): Json {
  return {
    operationId: operationId(route),
    tags: [tagOf(route.fullPath)],
    summary: route.summary,
    ...security(route),
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query'), ...(route.repeats === 'ignored' ? [] : [IDEMPOTENCY_KEY])],
    ...(route.body === undefined ? {} : { requestBody: requestBody(route.body) }),
    responses: {
      ...replies(route),
      ...(route.cacheSeconds !== undefined && { 304: { $ref: '#/components/responses/NotModified' } }),
      ...(route.limited !== false && { 429: { $ref: '#/components/responses/RateLimited' } }),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function security({ permission, signIn }: Route): Json {
  if (permission !== 'public') return { security: [{ bearer: [] }], 'x-permission': permission satisfies Permission };
  return signIn === undefined ? {} : { security: [{}, { bearer: [] }] };
}

/** A body that is not sent is read as `{}`. */
function requestBody(schema: z.ZodType): Json {
  return { required: !schema.safeParse({}).success, content: { 'application/json': { schema: schemaOf(schema) } } };
}

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request gives the same reply and no second effect',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,64}$' },
};

const HEADERS = {
  'X-Request-Id': { description: 'Names this request in the log', required: true, schema: { type: 'string', format: 'uuid' } },
  'RateLimit-Policy': { description: 'IETF draft: so many requests (q) in so many seconds (w); not where limits are off', schema: { type: 'string', examples: ['"address";q=6000;w=60'] } },
  RateLimit: { description: 'IETF draft: so many requests left (r) for so many seconds (t); not where limits are off', schema: { type: 'string', examples: ['"address";r=5999;t=60'] } },
  'Retry-After': { description: 'Seconds after which the same request may succeed; with 429, and with 503', schema: { type: 'integer', minimum: 1 } },
  ETag: { description: 'For If-None-Match', schema: { type: 'string' } },
} as const;

function headers(...names: readonly (keyof typeof HEADERS)[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function problem(description: string): Json {
  return {
    description,
    headers: headers('X-Request-Id', 'RateLimit-Policy', 'RateLimit', 'Retry-After'),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

/** By status: success, and of a document whatever else it can say. */
function replies(route: Route): Json {
  const { produces, bodies = {}, summary, response, status } = route;
  const reply = (description: string, content?: Json): Json => ({ description, headers: sentHeaders(route), ...(content !== undefined && { content }) });
  if (produces !== undefined) {
    const documents = Object.entries(bodies).map(([code, schema]) => [code, reply(schema.description ?? summary, { [produces]: { schema: schemaOf(schema) } })]);
    return documents.length === 0 ? { [status]: reply(summary, { [produces]: {} }) } : Object.fromEntries(documents);
  }
  if (response === undefined) return { [status]: reply('done') };
  return { [status]: reply(summary, { 'application/json': { schema: { type: 'object', required: ['data'], properties: { data: schemaOf(response), meta: META } } } }) };
}

function sentHeaders({ limited, cacheSeconds }: Route): Json {
  const limits = limited === false ? [] : (['RateLimit-Policy', 'RateLimit'] as const);
  return headers('X-Request-Id', ...limits, ...(cacheSeconds === undefined ? [] : (['ETag'] as const)));
}

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema) as { properties?: Record<string, unknown>; required?: readonly string[] };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    // Items with commas between them, not the name once for each.
    ...((property as Json)['type'] === 'array' && { style: 'form', explode: false }),
    schema: property,
  }));
}

/** As clients write it: before transformations. What is left out has the default, which is of the form that is documented also where a text is made a number. */
function schemaOf(schema: z.ZodType): Json {
  const override: NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override'] = ({ zodSchema, jsonSchema }) => {
    if (zodSchema instanceof z.ZodDefault) jsonSchema.default = zodSchema.def.defaultValue as typeof jsonSchema.default;
  };
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override });
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
