/** One word per idea (docs/glossary.md), and one list per set of words: what had two names or two lists once has one. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCES = globSync('src/**/*.ts', { cwd: ROOT }).filter((file) => !file.endsWith('.test.ts')).sort().map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const);

/** Where a list of words is spelled out, and how it begins, as a type or as values. */
const LISTS: readonly (readonly [what: string, spelled: RegExp, files: readonly string[]])[] = [
  ['the status of a market', /'pre_open'(?:,| \|) 'open'/, ['src/engine/market.ts']],
  // The feeds may not know the engine; the compiler holds their words to its.
  ['the safety of a market', /'normal'(?:,| \|) 'reduce_only'/, ['src/engine/market.ts', 'src/feeds/aggregator.ts']],
  ['the two wallets, as a type,', /= 'spot' \| 'futures'/, ['src/engine/units.ts']],
  ['what a verdict is', /^(?:export )?(?:interface|type) Verdict\b/m, ['src/sequencer/idempotency.ts']],
  ['the pattern of a cache key', /`cache:/, ['src/cache/keys.ts']],
  ['the pattern of a room’s name', /`ws:room:/, ['src/sockets/rooms.ts']],
];

for (const [what, spelled, files] of LISTS) {
  test(`${what} is spelled out in one place`, () => assert.deepEqual(SOURCES.filter(([, text]) => spelled.test(text)).map(([file]) => file), files));
}

test('words that the glossary has others for are not used', () => {
  const wrong: readonly (readonly [RegExp, string])[] = [
    [/event store/i, 'journal'],
    [/dead.?man.s.?switch/i, 'dead-man switch, DeadManSwitch'],
    [/\b\w+Deps\b/, '…Parts'],
    [/\b(?:interface|type) (?:Listed|WalletName|Revoked)\b/, 'ListedMarket, WalletType, Revocation'],
  ];
  for (const [file, text] of SOURCES) for (const [word, instead] of wrong) assert.ok(!word.test(text), `${file} says ${word.exec(text)?.[0]}: ${instead}`);
});
