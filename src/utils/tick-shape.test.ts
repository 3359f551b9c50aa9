import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { keepTickShape } from './tick-shape.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** How many of the objects of ticks that `work` makes are alive after full collections of garbage. */
async function ticksAliveAfter(work: () => Promise<unknown>): Promise<number> {
  const ticks: WeakRef<object>[] = [];
  const hook = createHook({ init: (_id, type, _trigger, resource) => void (type === 'TickObject' && ticks.push(new WeakRef(resource))) }).enable();
  await work();
  hook.disable();
  for (let i = 0; i < 3; i++) {
    await new Promise((done) => setImmediate(done));
    collectGarbage();
  }
  assert.ok(ticks.length > 0);
  return ticks.filter((tick) => tick.deref() !== undefined).length;
}

test('one object of a tick outlives collections of garbage, which others do not', async () => {
  assert.equal(await ticksAliveAfter(() => new Promise<void>((done) => process.nextTick(done))), 0);
  assert.equal(await ticksAliveAfter(keepTickShape), 1);
});
