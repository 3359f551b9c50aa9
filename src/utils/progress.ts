/** A progress bar on a terminal, a line every few seconds elsewhere. On stderr, so that results can be piped. */
const WIDTH = 30;
const TERMINAL_MS = 200;
const LOG_MS = 10_000;

export interface Progress {
  add(amount: number): void;
  set(done: number): void;
  end(): void;
}

export function startProgress(label: string, total: number): Progress {
  const terminal = process.stderr.isTTY === true;
  const started = performance.now();
  let done = 0;
  let shown = started;
  const show = (): void => {
    const part = total === 0 ? 1 : Math.min(1, done / total);
    const seconds = (performance.now() - started) / 1000;
    const bar = '█'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '░');
    process.stderr.write(`${terminal ? '\r' : ''}${label} ${bar} ${Math.floor(part * 100)} % (${done} of ${total}, ${seconds.toFixed(0)} s)${terminal ? '' : '\n'}`);
    shown = performance.now();
  };
  const set = (value: number): void => {
    done = value;
    if (performance.now() - shown >= (terminal ? TERMINAL_MS : LOG_MS)) show();
  };
  return {
    add: (amount) => set(done + amount),
    set,
    end() {
      if (terminal) {
        show();
        process.stderr.write('\n');
      }
    },
  };
}
