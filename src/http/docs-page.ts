/** The files of the documentation page in `web/docs`, and the page about the sockets, read once. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../../web/docs');
const SOCKETS = resolve(import.meta.dirname, '../../docs/sockets.md');

export function readDocsPage(): { readonly html: Buffer; readonly script: Buffer; readonly style: Buffer; readonly sockets: Buffer } {
  const read = (file: string): Buffer => readFileSync(resolve(FOLDER, file));
  return { html: read('index.html'), script: read('docs.js'), style: read('docs.css'), sockets: readFileSync(SOCKETS) };
}
