/** Where recorded market data lies: beside the repository, in ../shared/data. They are no part of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { unless } from './needs.ts';

export const RECORDINGS = fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** For `test(name, { skip })`: false, or why not. */
export const skipWithoutRecordings = unless(existsSync(join(RECORDINGS, 'wire')), 'recordings', 'the recordings (../shared/data) are not beside this checkout');

/** Lines of a gzip'ed file, by its path under the recordings. */
export function linesOf(path: string): string[] {
  return gunzipSync(readFileSync(join(RECORDINGS, path))).toString('utf8').trimEnd().split('\n');
}

/** `<venue>/<file>` of every wire capture; none when there are no recordings. */
export function wireCaptures(): { readonly venue: string; readonly file: string }[] {
  if (skipWithoutRecordings !== false) return [];
  const root = join(RECORDINGS, 'wire');
  return readdirSync(root).flatMap((venue) => readdirSync(join(root, venue)).map((file) => ({ venue, file })));
}
