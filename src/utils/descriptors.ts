/** How many files and connections the process may have open. */
import { readFileSync } from 'node:fs';

/** undefined where the system does not tell (only Linux does, in /proc). Node has raised it as far as it may by itself. */
export function openFilesLimit(path = '/proc/self/limits'): number | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const soft = /^Max open files +(\S+)/m.exec(text)?.[1];
  if (soft === 'unlimited') return Infinity;
  return soft === undefined || !/^\d+$/.test(soft) ? undefined : Number(soft);
}
