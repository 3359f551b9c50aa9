import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Prints the MiB of the first thread's young generation and of a second one's, started with or without the call. */
const SCRIPT = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { Worker } from 'node:worker_threads';
  import { keepOtherThreadsSmall } from ${JSON.stringify(new URL('./young-generation.ts', import.meta.url).href)};
  const work = 'let kept = []; for (let i = 0; i < 1e6; i++) { kept.push({ i }); if (kept.length > 5e4) kept = []; }';
  const size = 'Math.round(require("node:v8").getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size / 2 ** 20)';
  const worker = () => new Promise((told) => new Worker(work + 'require("node:worker_threads").parentPort.postMessage(' + size + ')', { eval: true, execArgv: [] }).once('message', told));
  const before = await worker();
  keepOtherThreadsSmall();
  console.log(JSON.stringify([before, await worker(), Math.round(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 2 ** 20)]));
`;

test('other threads have what V8 gives by itself, the first one what the command line asks for', () => {
  const output = execFileSync(process.execPath, ['--min-semi-space-size=64', '--max-semi-space-size=64', '--input-type=module', '-e', SCRIPT], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [before, after, first] = JSON.parse(output) as [number, number, number];
  assert.ok(first >= 64 && before >= 64, output);
  assert.ok(after <= 32, output);
});
