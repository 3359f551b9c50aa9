import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Waits until a power cut cannot take it any more: the content of a file, or which names a folder has. */
export function syncToDisk(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
