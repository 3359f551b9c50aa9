import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { cpus, unlessSeparable } from '../support/cpus.ts';

test('threads that begin after the serving thread has its CPU keep off it, as the journal\'s does when it is opened again', { skip: unlessSeparable }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-threads-'));
  try {
    const [own, ...others] = cpus;
    const { stdout, stderr } = spawnSync(process.execPath, [resolve(import.meta.dirname, 'late-threads-child.ts'), String(own), directory], { encoding: 'utf8', timeout: 30_000 });
    assert.notEqual(stdout, '', stderr);
    const where = (JSON.parse(stdout) as [string, number[]][]).sort();
    assert.deepEqual(where, [['journal', others], ['projector', others], ['store', others]]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
