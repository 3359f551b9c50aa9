// Makes a fresh clone ready: installs the locked dependencies when they are missing or older than the lockfile.
// Runs on the machine's own Node (20 or newer); everything after it runs on the Node that the dependencies bring.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lock = join(root, 'package-lock.json');
const modules = join(root, 'node_modules');
const installed = join(modules, '.package-lock.json');
// An installation that is shared by a link is somebody else's: `npm ci` would empty the folder behind it first.
const shared = lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink() === true;

if (!existsSync(installed) || (!shared && statSync(installed).mtimeMs < statSync(lock).mtimeMs)) {
  console.error('Installing dependencies (first start, or the lockfile changed) …');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = npm ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] }) : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) {
    console.error('npm ci failed; see above.');
    process.exit(result.status ?? 1);
  }
}
