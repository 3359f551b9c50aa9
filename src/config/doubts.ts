/** What is set in a way that does less than somebody may think, although nothing is wrong with it: said once, at the start. */
import { openFilesLimit } from '../utils/descriptors.ts';
import { SETTINGS, type Config } from './config.ts';

/** Files that are open beside connections: databases, logs, threads, and what reads them. */
const OTHER_FILES = 100;

/** Of the default that nobody has asked for, this part is enough for saying nothing. */
const UNASKED = 10;

/** Names so short have too many other words near them. */
const SHORT = 4;

type Env = Readonly<Record<string, string | undefined>>;

/** One sentence each. `files`: how many the process may have open; undefined: not known. */
export function doubts(env: Env, config: Pick<Config, 'connections'>, files = openFilesLimit()): string[] {
  const needed = config.connections.total + OTHER_FILES;
  const enough = (env.MAX_CONNECTIONS ?? '') === '' ? needed / UNASKED : needed;
  const few = files === undefined || files >= enough ? [] : [
    `this process may have ${files} files open, and MAX_CONNECTIONS=${config.connections.total} needs ${needed}: raise the limit (ulimit -n, LimitNOFILE), or lower MAX_CONNECTIONS`,
  ];
  return [...misspelt(env), ...few, ...withoutBackups(env)];
}

function withoutBackups(env: Env): string[] {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  if (isSet('BACKUP_DIR')) return [];
  return ['BACKUP_INTERVAL_SECONDS', 'BACKUP_KEEP'].filter(isSet).map((name) => `${name} is set and BACKUP_DIR is not: no backups are made`);
}

/** Variables that are nearly called like a setting, where the setting itself is not set. */
function misspelt(env: Env): string[] {
  const unset = SETTINGS.filter((setting) => env[setting] === undefined);
  return Object.keys(env).filter((name) => !SETTINGS.includes(name)).flatMap((name) => {
    const meant = unset.find((setting) => isNear(name, setting));
    return meant === undefined ? [] : [`${name} is set and is no setting; was ${meant} meant?`];
  });
}

/** A letter more, less or other, or two in the wrong order. */
function isNear(name: string, setting: string): boolean {
  const most = Math.min(name.length, setting.length);
  let start = 0;
  while (start < most && name[start] === setting[start]) start++;
  let end = 0;
  while (end < most - start && name.at(-1 - end) === setting.at(-1 - end)) end++;
  const [written, right] = [name.slice(start, name.length - end), setting.slice(start, setting.length - end)];
  switch (`${written.length} ${right.length}`) {
    case '1 0':
    case '0 1': return true;
    case '1 1': return setting.length > SHORT;
    case '2 2': return written[0] === right[1] && written[1] === right[0];
    default: return false;
  }
}
