/** What every script does: it needs a data directory, and says in one line why it could not go on. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Throws where the file that a server would have written is not there. */
export function requireDataDirectory(directory: string, file: 'journal.db' | 'store.db'): void {
  if (!existsSync(join(directory, file))) throw new Error(`there is no ${file} in ${resolve(directory)}: --data names the DATA_DIR of a server`);
}

/** Ends the process with status 1 when `main` throws. */
export async function run(main: () => unknown): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
