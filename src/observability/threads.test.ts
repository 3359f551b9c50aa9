import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createMetrics } from './metrics.ts';
import { ThreadWatch } from './threads.ts';

/** Holds some memory, and is busy for as many turns as it is told. */
const WORK = `
  const { parentPort } = require('node:worker_threads');
  const held = Array.from({ length: 32 * 1024 * 4 }, (_, at) => [at, at]);
  parentPort.on('message', (turns) => { let sum = 0; for (let at = 0; at < turns; at++) sum += held[at % held.length][0]; parentPort.postMessage(sum); });
  parentPort.postMessage('ready');
`;

async function figures(metrics: ReturnType<typeof createMetrics>) {
  const of = async (metric: { get(): Promise<{ values: { labels: { thread?: string | number }; value: number }[] }> }) =>
    new Map((await metric.get()).values.map(({ labels, value }) => [labels.thread, value]));
  return { active: await of(metrics.threadActive), heap: await of(metrics.threadHeap) };
}

test('each thread has its heap and the time in which it was busy, as long as it lives', async () => {
  const metrics = createMetrics();
  const watch = new ThreadWatch(metrics);
  try {
    const worker = new Worker(WORK, { eval: true, name: 'busy' });
    await once(worker, 'message');
    await watch.measure();
    const first = await figures(metrics);
    // 131,072 arrays of two numbers.
    assert.ok(first.heap.get('busy')! > 131_072 * 16, `${first.heap.get('busy')} bytes`);
    assert.ok(first.heap.get('serving')! > 1e6);
    worker.postMessage(5_000_000);
    await once(worker, 'message');
    await watch.measure();
    const second = await figures(metrics);
    assert.ok(second.active.get('busy')! > first.active.get('busy')!, 'what it did is counted');
    assert.ok(second.active.get('serving')! >= first.active.get('serving')!);
    await worker.terminate();
    await watch.measure();
    const last = await figures(metrics);
    assert.deepEqual([...last.heap.keys()], ['serving']);
    assert.equal(last.active.get('busy'), second.active.get('busy'), 'a counter keeps what it has');
  } finally {
    watch.close();
  }
});

test('a thread that does not answer is not asked again until it does', { timeout: 30_000 }, async () => {
  const metrics = createMetrics();
  const watch = new ThreadWatch(metrics);
  try {
    const worker = new Worker(WORK, { eval: true, name: 'silent' });
    await once(worker, 'message');
    const answer = await worker.getHeapStatistics();
    const { promise, resolve } = Promise.withResolvers<typeof answer>();
    let asked = 0;
    worker.getHeapStatistics = () => (asked++, promise);
    const first = watch.measure();
    await watch.measure();
    assert.equal(asked, 1);
    resolve(answer);
    await first;
    assert.equal((await figures(metrics)).heap.get('silent'), answer.used_heap_size);
    await watch.measure();
    assert.equal(asked, 2);
    await worker.terminate();
  } finally {
    watch.close();
  }
});

test('another thread of the same name goes on counting from where the first one ended', async () => {
  const metrics = createMetrics();
  const watch = new ThreadWatch(metrics);
  try {
    let before = 0;
    for (let turn = 0; turn < 2; turn++) {
      const worker = new Worker(WORK, { eval: true, name: 'again' });
      await once(worker, 'message');
      await watch.measure();
      const { active, heap } = await figures(metrics);
      assert.ok(active.get('again')! > before && heap.get('again')! > 0);
      before = active.get('again')!;
      await worker.terminate();
    }
  } finally {
    watch.close();
  }
});
