import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnavailableError } from './errors.ts';
import { Gate } from './gate.ts';
import { KeyedQueue } from './keyed-queue.ts';

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  return Promise.withResolvers<void>();
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a gate runs so many, lets so many wait, refuses the rest, and goes on after a failure', async () => {
  const gate = new Gate(1, 1);
  const [first, second] = [deferred(), deferred()];
  const order: string[] = [];
  const a = gate.run(async () => { order.push('a'); await first.promise; });
  const b = gate.run(async () => { order.push('b'); await second.promise; });
  await assert.rejects(gate.run(async () => undefined), UnavailableError);
  await turn();
  assert.deepEqual(order, ['a']);
  first.reject(new Error('a failed'));
  await assert.rejects(a, /a failed/);
  await turn();
  assert.deepEqual(order, ['a', 'b']);
  second.resolve();
  await b;
  assert.equal(await gate.run(async () => 'free again'), 'free again');
});

test('tasks of one key run one after the other, also after a failure; other keys do not wait', async () => {
  const queue = new KeyedQueue();
  const first = deferred();
  const order: string[] = [];
  const a = queue.run('x', async () => { await first.promise; order.push('a'); });
  const b = queue.run('x', async () => { order.push('b'); return 2; });
  await queue.run('y', async () => { order.push('y'); });
  first.reject(new Error('a failed'));
  await assert.rejects(a, /a failed/);
  assert.equal(await b, 2);
  assert.deepEqual(order, ['y', 'b']);
});
