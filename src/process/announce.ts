/** What the process says to whoever starts it. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { startProgress, type Progress } from '../utils/progress.ts';

/** Of a server that nothing is set for; the demo's default. */
const DEMO_URL = 'http://127.0.0.1:3000';

/** Shown once: `password` only where it was made up. */
export function introduceAdmin(admin: { readonly email: string; readonly password: string | undefined }): void {
  console.error(`First administrator: ${admin.email}`);
  if (admin.password !== undefined) console.error(`Password (shown this once): ${admin.password}`);
}

/** A bar while a part of the start takes long. */
export function showProgress(label: string): (done: number, total: number) => void {
  let progress: Progress | undefined;
  return (done, total) => {
    progress ??= startProgress(label, total);
    progress.set(done);
    if (done < total) return;
    progress.end();
    progress = undefined;
  };
}

/** The ready line for programs, and what runs where for people. */
export function announce(config: Config, url: string): void {
  console.log(JSON.stringify({ msg: 'ready', url, pid: process.pid }));
  console.error(`
  REST      ${url}/api/v1      documentation ${url}/docs
  Sockets   ${url}/prices /market /user /admin
  Engine    in this process, journal in ${join(config.dataDir, 'journal.db')}
  Prices    ${config.feeds.mode}${config.house ? ', house makers quote' : ', no house makers'}
  Backups   ${config.backups === undefined ? 'none by themselves: BACKUP_DIR names a folder for them' : `to ${config.backups.directory}, the newest ${config.backups.keep} are kept`}
  Health    ${url}/health/ready   metrics ${url}/metrics${config.servingCpu === undefined ? '' : `\n  CPUs      ${config.servingCpu} serves, all other threads run elsewhere`}

  Try: ${url === DEMO_URL ? '' : `BOURSE_URL=${url} `}npm run demo   or   curl ${url}/api/v1/markets/BTC-USDT/ticker
`);
}
