import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

test('a background thread yields, and the thread that started it does not', { skip: !existsSync('/proc/thread-self') }, async () => {
  const before = getPriority(process.pid);
  const source = `
    import { parentPort } from 'node:worker_threads';
    import { getPriority } from 'node:os';
    import { yieldToOthers } from ${JSON.stringify(new URL('./thread-priority.ts', import.meta.url).href)};
    yieldToOthers();
    parentPort.postMessage(getPriority(0));
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const [priority] = await new Promise<unknown[]>((done, fail) => worker.once('message', (...message) => done(message)).once('error', fail));
  assert.equal(priority, Math.max(before, 10));
  assert.equal(getPriority(process.pid), before);
  await worker.terminate();
});
