import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sweepEvery } from './sweeper.ts';

/** Runs batches until the order of what happened has this many entries. */
function happened(entries: number, batch: (order: string[], count: number) => boolean): Promise<string[]> {
  return new Promise((resolve) => {
    const order: string[] = [];
    let count = 0;
    const stop = sweepEvery(1, () => {
      order.push('batch');
      const more = batch(order, ++count);
      if (order.length >= entries) {
        stop();
        // Nothing may follow.
        setImmediate(() => setImmediate(() => resolve(order)));
      }
      return more;
    });
  });
}

test('between two batches whatever else waits for the thread has its turn', async () => {
  const order = await happened(5, (done, count) => {
    setImmediate(() => done.push('other'));
    return count < 3;
  });
  assert.deepEqual(order, ['batch', 'other', 'batch', 'other', 'batch', 'other']);
});

test('what fails is tried again at the next round', async () => {
  const order = await happened(3, (_, count) => {
    if (count === 1) throw new Error('busy');
    return false;
  });
  assert.deepEqual(order, ['batch', 'batch', 'batch']);
});
