/** What a program asked the system to write, and what it told its clients, in one order: read from what strace(1) writes down. */
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DiskCall } from './disk.ts';
import { unless } from './needs.ts';

export interface SystemCalls {
  /** On files under the folder. */
  readonly disk: readonly DiskCall[];
  /** On sockets: what was sent, and when that began. */
  readonly sent: readonly { readonly begun: number; readonly text: string }[];
}

const TRACED = ['openat', 'open', 'write', 'writev', 'pwrite64', 'pwritev', 'ftruncate', 'fsync', 'fdatasync', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'mkdir', 'mkdirat'];
/** More than a page of any file, and than any reply that is looked for. */
const LONGEST = 1_000_000;

/** For `test(name, { skip })`: false, or why not. Containers may forbid it. */
export const skipWithoutTracing = unless(canTrace(), 'strace', 'strace is not installed, or may not look at other processes here');

/** The command in front of a program's: its system calls go to the file `log`. The program is the process that is started, and gets its signals. */
export function tracedInto(log: string): string[] {
  return ['strace', '-D', '-f', '--seccomp-bpf', '-yy', '-xx', '-s', String(LONGEST), '-o', log, '-e', `trace=${TRACED.join(',')}`];
}

function canTrace(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-strace-'));
  try {
    const [program, ...args] = tracedInto(join(folder, 'log'));
    return spawnSync(program!, [...args, 'true'], { stdio: 'ignore' }).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the tracer has written down the end of the program with this process id. */
export function hasEnded(log: string, pid: number): boolean {
  const file = openSync(log, 'r');
  try {
    const end = Buffer.alloc(10_000);
    const length = readSync(file, end, 0, end.length, Math.max(0, fstatSync(file).size - end.length));
    return new RegExp(`^${pid} +\\+\\+\\+ (?:exited|killed)`, 'm').test(end.toString('latin1', 0, length));
  } finally {
    closeSync(file);
  }
}

/** `folder`: with all links resolved. */
export function readSystemCalls(log: string, folder: string): SystemCalls {
  const disk: DiskCall[] = [];
  const sent: { begun: number; text: string }[] = [];
  /** Where the next write(2) goes: files that are no databases are written from their beginning to their end. */
  const ends = new Map<string, number>();
  for (const { begun, done, name, args } of callsIn(readFileSync(log, 'latin1'))) {
    const written = name === 'write' || name === 'writev' || name === 'pwrite64';
    // A descriptor is followed by what it stands for, a socket or a path: 21<\x2f\x74…>.
    const target = /^\d+<([^>]*)>/.exec(args)?.[1];
    const strings = textsIn(target === undefined ? args : args.slice(args.indexOf('>')));
    if (written && /^(?:TCP|UNIX)/.test(target ?? '')) sent.push({ begun, text: Buffer.concat(strings).toString('latin1') });
    const path = target === undefined ? resolve(String(strings[0])) : plain(target).toString();
    if (!path.startsWith(folder)) continue;
    const at = { begun, done, path };
    const last = Number(/, (\d+)$/.exec(args)?.[1]);
    switch (name) {
      case 'open':
      case 'openat': {
        const [create, truncate] = [args.includes('O_CREAT'), args.includes('O_TRUNC')];
        if (create || truncate) ends.set(path, 0);
        disk.push({ ...at, type: 'open', create, truncate });
        break;
      }
      case 'write':
      case 'writev': {
        const data = Buffer.concat(strings);
        const offset = ends.get(path) ?? 0;
        ends.set(path, offset + data.length);
        disk.push({ ...at, type: 'write', offset, data });
        break;
      }
      case 'pwrite64':
        disk.push({ ...at, type: 'write', offset: last, data: Buffer.concat(strings) });
        break;
      case 'ftruncate':
        disk.push({ ...at, type: 'truncate', length: last });
        break;
      case 'mkdir':
        disk.push({ ...at, type: 'mkdir' });
        break;
      case 'rename':
        disk.push({ ...at, type: 'rename', to: resolve(String(strings[1])) });
        break;
      case 'unlink':
        disk.push({ ...at, type: 'unlink' });
        break;
      case 'fsync':
      case 'fdatasync':
        disk.push({ ...at, type: 'sync' });
        break;
      default:
        throw new Error(`${name} of ${path} is not understood`);
    }
  }
  const effective = ({ type, begun, done }: DiskCall): number => (type === 'sync' ? done : begun);
  return { disk: disk.sort((a, b) => effective(a) - effective(b)), sent };
}

interface TracedCall { readonly begun: number; readonly done: number; readonly name: string; readonly args: string }

/** Those that succeeded, by line number; one that was never answered is done at Infinity. A line is `PID name(args) = result`, or that in two parts with those of other threads between them. */
function callsIn(log: string): TracedCall[] {
  const calls: TracedCall[] = [];
  const under = new Map<string, Omit<TracedCall, 'done'>>();
  for (const [number, line] of log.split('\n').entries()) {
    const space = line.indexOf(' ');
    const [pid, rest] = [line.slice(0, space), line.slice(space).trimStart()];
    const result = rest.lastIndexOf(' = ');
    const failed = result >= 0 && rest.startsWith(' = -', result);
    if (rest.startsWith('<... ')) {
      const call = under.get(pid);
      under.delete(pid);
      if (call !== undefined && !failed) calls.push({ ...call, done: number });
    } else if (/^\w+\(/.test(rest)) {
      const name = rest.slice(0, rest.indexOf('('));
      const args = rest.slice(name.length + 1);
      if (args.endsWith(' <unfinished ...>')) under.set(pid, { begun: number, name, args: args.slice(0, -' <unfinished ...>'.length) });
      else if (!failed) calls.push({ begun: number, done: number, name, args: args.slice(0, args.lastIndexOf(')')) });
    }
  }
  return [...calls, ...[...under.values()].map((call) => ({ ...call, done: Infinity }))];
}

/** Texts in quotation marks. */
function textsIn(args: string): Buffer[] {
  return args.split('"').filter((_, at) => at % 2 === 1).map(plain);
}

/** From `\x2f\x74`. */
function plain(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}
