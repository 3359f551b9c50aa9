import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFilesLimit } from './descriptors.ts';

test('the limit of open files is read as Linux writes it, and is not known elsewhere', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-limits-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'limits');
  const limits = (soft: string): string => `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             96234                96234                processes \nMax open files            ${soft.padEnd(20)} 1048576              files     \n`;
  for (const [text, limit] of [[limits('1024'), 1_024], [limits('unlimited'), Infinity], ['', undefined]] as const) {
    writeFileSync(path, text);
    assert.equal(openFilesLimit(path), limit);
  }
  assert.equal(openFilesLimit(join(directory, 'none')), undefined);
});
