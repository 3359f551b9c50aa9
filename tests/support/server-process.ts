/** A real server in its own process, on a port and in a data directory of its own. For end-to-end tests and benchmarks: what they see is what an operator runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '../..');
/** As `npm start` has them. */
const NODE_FLAGS = ['--disable-sigusr1', '--min-semi-space-size=64', '--max-semi-space-size=64'];
const READY_TIMEOUT_MS = 60_000;

export const ADMIN = { email: 'admin@bourse.test', password: 'a long enough password 42' } as const;

export interface ServerOptions {
  /** Reused across restarts; default: a new one, removed by `dispose`. */
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default src/main.ts. */
  readonly entry?: string;
  /** A program that runs the server, with its arguments, as the process that is started. */
  readonly within?: readonly string[];
}

export interface ServerProcess {
  readonly url: string;
  readonly directory: string;
  readonly pid: number;
  /** All that it wrote, both streams. */
  output(): string;
  /** SIGTERM and wait; resolves with the exit status. */
  stop(): Promise<number | null>;
  /** SIGKILL and wait. */
  kill(): Promise<void>;
  /** Stops it if it still runs and removes its directory. */
  dispose(): Promise<void>;
}

/** Resolves when the server says that it is ready; throws with its output when it ends before, or does not get there. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'bourse-e2e-'));
  const command = [...(options.within ?? []), process.execPath, ...NODE_FLAGS, resolve(ROOT, options.entry ?? 'src/main.ts')];
  const child = spawn(command[0]!, command.slice(1), {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', DATA_DIR: directory, FEEDS: 'manual', HOUSE: 'off', LOG_LEVEL: 'warn', RATE_LIMITS: 'off', ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  const url = await ready(child, lines, exited);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  return {
    url,
    directory,
    pid: child.pid ?? 0,
    output: () => lines.join('\n'),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    dispose: async () => {
      await end('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess, lines: string[], exited: Promise<number | null>): Promise<string> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`not ready after ${READY_TIMEOUT_MS} ms:\n${lines.join('\n')}`)), READY_TIMEOUT_MS);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (lines.length < 10_000) lines.push(line);
        const found = /^\{.*"msg":"ready".*"url":"([^"]+)"/.exec(line);
        if (found?.[1] === undefined) return;
        clearTimeout(timer);
        done(found[1]);
      });
    }
    void exited.then((code) => {
      clearTimeout(timer);
      fail(new Error(`ended with status ${code} before it was ready:\n${lines.join('\n')}`));
    });
  });
}
