import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { Route } from '../types/route.ts';
import { RouteTable } from './route-table.ts';

const declared = (more: Partial<Route>): Route => ({ method: 'POST', path: '/things', permission: 'read', summary: 's', status: 200, repeats: 'handled', handler: () => undefined, ...more });
const table = (...routes: Route[]): RouteTable => new RouteTable([{ base: '/api', routes }]);

const BAD: Record<string, [Partial<Route>, RegExp]> = {
  'it declares no permission': [{ permission: undefined as unknown as 'read' }, /POST \/api\/things declares no permission/],
  'its permission does not exist': [{ permission: 'everything' as 'read' }, /declares no permission/],
  'a parameter is not described': [{ path: '/things/:id' }, /does not describe its parameter id/],
  'its body lets unknown fields through': [{ body: z.object({ a: z.string() }) }, /lets unknown fields through/],
  'its body lets them through further down': [{ body: z.strictObject({ a: z.array(z.union([z.string(), z.object({ b: z.string() })])) }) }, /lets unknown fields through/],
  'it keeps replies for nobody': [{ permission: 'public', repeats: 'kept' }, /keeps replies by keys that are nobody's/],
  'its body is a free map': [{ body: z.looseObject({}) }, /lets unknown fields through/],
};
for (const [name, [more, message]] of Object.entries(BAD)) {
  test(`a route keeps the process from starting when ${name}`, () => assert.throws(() => table(declared(more)), message));
}

test('a route that is declared twice keeps the process from starting', () => {
  assert.throws(() => table(declared({}), declared({})), /declared twice/);
});

test('a fixed segment goes before a parameter, and a dead end leads back to it', () => {
  const params = z.object({ id: z.string() });
  const routes = table(declared({ method: 'GET', path: '/things/:id', params }), declared({ method: 'GET', path: '/things/batch' }), declared({ method: 'GET', path: '/things/:id/parts', params }));
  assert.equal(routes.match('GET', '/api/things/batch')?.route.path, '/things/batch');
  assert.deepEqual(routes.match('GET', '/api/things/7')?.params, { id: '7' });
  assert.deepEqual(routes.match('GET', '/api/things/batch/parts')?.params, { id: 'batch' });
  assert.equal(routes.match('GET', '/api/things/'), undefined);
  assert.deepEqual(routes.allowed('/api/things/batch'), ['GET']);
  assert.deepEqual(routes.allowed('/api/other'), []);
});
