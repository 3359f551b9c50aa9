/**
 * Keeps `process.nextTick` fast. Node makes an object for every tick, and V8 forgets what such objects look like when a full collection of garbage finds none
 * alive. After a few of those, which a start has, the call is compiled for objects of any shape and costs five times as much for good; a request has a dozen ticks.
 */
import { executionAsyncResource } from 'node:async_hooks';

let kept: object | undefined;

/** To be called first of all in a thread that serves: one tick's object stays alive from then on. Resolves when it does. */
export function keepTickShape(): Promise<void> {
  return new Promise((done) => {
    process.nextTick(() => {
      kept ??= executionAsyncResource();
      done();
    });
  });
}
