/** What the documentation shows to begin with: each body has an example that its own validator takes, and each parameter says what it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authRoutes } from '../../src/controllers/auth.ts';
import { tradingRoutes } from '../../src/controllers/trading.ts';
import { userRoutes } from '../../src/controllers/users.ts';
import { RouteTable } from '../../src/middleware/route-table.ts';
import { CODES } from '../../src/types/refusal.ts';
import { openApiDocument } from '../../src/validators/openapi.ts';
import type { Schema } from '../support/json-schema.ts';

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly description?: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

/** No handler is called. */
const nobody = {} as never;
const table = new RouteTable([{ base: '/api/v1', routes: [...authRoutes(nobody), ...tradingRoutes(nobody), ...userRoutes(nobody)] }]);
const document = openApiDocument(table.routes) as { paths: Record<string, Record<string, Operation>>; components: { schemas: { Problem: Schema } } };

test('each body has an example, which its validator takes', () => {
  const bodies = table.routes.filter(({ body }) => body !== undefined);
  assert.equal(bodies.length, 21);
  for (const { method, fullPath, body } of bodies) {
    const schema = document.paths[fullPath.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]?.requestBody?.content['application/json']?.schema;
    const [example, ...more] = (schema?.['examples'] ?? []) as readonly unknown[];
    assert.ok(example !== undefined && more.length === 0, `${method} ${fullPath} has one example`);
    assert.equal(body?.safeParse(example).error?.message, undefined, `${method} ${fullPath}`);
  }
});

test('what is sent as it stands in the form of a market’s settings changes nothing', () => {
  const schema = document.paths['/api/v1/admin/markets/{symbol}']?.['patch']?.requestBody?.content['application/json']?.schema;
  // 200 open orders is what the built-in markets have.
  assert.deepEqual(schema?.['examples'], [{ maxOpenOrders: 200 }]);
});

test('each parameter says what it is, and a market in a path has one to start from', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, { parameters }] of Object.entries(methods)) {
      for (const { name, in: place, description, schema } of parameters) {
        assert.ok(((description ?? schema['description'] ?? '') as string).length > 5, `${method} ${path} ${name}`);
        if (place === 'path' && name === 'symbol') assert.match(((schema['examples'] as string[] | undefined) ?? [])[0] ?? '', path.startsWith('/api/v1/positions') ? /^BTC-USDT-PERP$/ : /^BTC-USDT/, path);
      }
    }
  }
});

test('each code says what it means and what to do', () => {
  const meanings = document.components.schemas.Problem['x-meaning-by-code'] as Readonly<Record<string, string>>;
  assert.deepEqual(Object.keys(meanings).sort(), [...CODES].sort());
  for (const [code, meaning] of Object.entries(meanings)) assert.match(meaning, /^[A-Z].{30,}\.$/, code);
});
