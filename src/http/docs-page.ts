/** The files of the documentation page in `web/docs`, read once. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../web/docs');

export function readDocsPage(): { readonly html: Buffer; readonly script: Buffer; readonly style: Buffer } {
  const read = (file: string): Buffer => readFileSync(resolve(FOLDER, file));
  return { html: read('index.html'), script: read('docs.js'), style: read('docs.css') };
}
