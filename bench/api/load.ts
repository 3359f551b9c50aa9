/** The load, in a process of its own: takes jobs, does one at a time, answers with figures. */
import type { Figures, Job } from './jobs.ts';
import { Random } from '../../tests/simulation/random.ts';
import { batchText, orderText } from './orders.ts';
import { RawHttp } from './raw-http.ts';
import { RawSocket } from './raw-socket.ts';

/** Counts answers between the end of the warm-up and the end of the measurement. */
class Count {
  answers = 0;
  units = 0;
  failures = 0;
  firstFailure = '';
  #latencies: number[] = [];
  readonly #from: number;
  readonly #to: number;
  readonly #seconds: number;

  constructor({ warmupMs, measureMs }: Job) {
    this.#from = performance.now() + warmupMs;
    this.#to = this.#from + measureMs;
    this.#seconds = measureMs / 1_000;
  }

  get over(): boolean {
    return performance.now() >= this.#to;
  }

  took(startedAt: number, units: number): void {
    const now = performance.now();
    if (now < this.#from || now >= this.#to) return;
    this.answers++;
    this.units += units;
    this.#latencies.push(now - startedAt);
  }

  failed(what: string): void {
    this.failures++;
    if (this.firstFailure === '') this.firstFailure = what.slice(0, 500);
  }

  figures(): Figures {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    return { seconds: this.#seconds, answers: this.answers, units: this.units, failures: this.failures, firstFailure: this.firstFailure, p50: at(0.5), p99: at(0.99) };
  }
}

/** Each connection sends its next request when the last is answered. Resolves when all have stopped. */
type Turn = (connection: number, done: () => void) => void;

async function drive(job: Job, count: Count, turn: Turn): Promise<void> {
  await Promise.all(
    Array.from({ length: job.connections }, (_, connection) => new Promise<void>((stopped) => {
      const again = (): void => (count.over ? stopped() : turn(connection, again));
      again();
    })),
  );
}

async function overHttp(job: Job): Promise<Figures> {
  const batches = job.kind === 'batches';
  const random = new Random(job.seed);
  const clients = await Promise.all(
    Array.from({ length: job.connections }, (_, i) => RawHttp.open(job.url, batches ? '/api/v1/orders/batch' : '/api/v1/orders', job.tokens[i % job.tokens.length])),
  );
  const count = new Count(job);
  await drive(job, count, (connection, done) => {
    const body = batches ? batchText(job.symbol, connection, random) : orderText(job.symbol, connection, random);
    const startedAt = performance.now();
    clients[connection].post(body, (reply) => {
      if (reply.status < 300) count.took(startedAt, batches ? occurrences(reply.body, '"status":201') : 1);
      else count.failed(`${reply.status} ${reply.body}`);
      done();
    });
  });
  for (const client of clients) client.close();
  return count.figures();
}

async function overSockets(job: Job): Promise<Figures> {
  const random = new Random(job.seed);
  const waiting: ((reply: string) => void)[] = [];
  const clients = await Promise.all(
    Array.from({ length: job.connections }, (_, i) =>
      RawSocket.open(job.url, '/user', { token: job.tokens[i % job.tokens.length] }, (message) => {
        if (message.startsWith('3')) waiting[i]?.(message);
      })),
  );
  if (job.kind === 'place') for (const client of clients) client.send('42/user,["subscribe",{"channels":[]}]');
  const count = new Count(job);
  await drive(job, count, (connection, done) => {
    const startedAt = performance.now();
    waiting[connection] = (reply) => {
      if (reply.includes('{"ok":true')) count.took(startedAt, 1);
      else count.failed(reply);
      done();
    };
    clients[connection].send(job.kind === 'empty' ? '42/user,1["empty"]' : `42/user,1["order:place",${orderText(job.symbol, connection, random)}]`);
  });
  for (const client of clients) client.close();
  return count.figures();
}

/** Follows all prices and counts what comes; `symbol` is a list of them. There is nothing to answer, so latencies are 0. */
async function listen(job: Job): Promise<Figures> {
  let count: Count | undefined;
  const clients: RawSocket[] = [];
  for (let i = 0; i < job.connections; i++) {
    const client = await RawSocket.open(job.url, '/prices', {}, (message) => {
      if (message.startsWith('2/prices,["prices"')) count?.took(performance.now(), message.split('"symbol"').length - 1);
    });
    client.send(`42/prices,1["subscribe",{"symbols":${JSON.stringify(job.symbol.split(','))}}]`);
    clients.push(client);
  }
  const counting = (count = new Count(job));
  while (!counting.over) await new Promise((wake) => setTimeout(wake, 10));
  for (const client of clients) client.close();
  return counting.figures();
}

function occurrences(body: string, text: string): number {
  let found = 0;
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + text.length)) found++;
  return found;
}

function run(job: Job): Promise<Figures> {
  switch (job.kind) {
    case 'orders':
    case 'batches':
      return overHttp(job);
    case 'place':
    case 'place_hearing':
    case 'empty':
      return overSockets(job);
    case 'listen':
      return listen(job);
  }
}

process.on('message', (job: Job) => {
  run(job).then((figures) => process.send?.(figures), (error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
