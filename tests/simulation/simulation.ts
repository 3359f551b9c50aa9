/**
 * A whole venue in one thread, from a seed: people, prices, the leader, a journal that fails, a process that dies at any moment and people
 * who then send again. Everything is decided by the seed, so a run that breaks a law breaks it again.
 */
import assert from 'node:assert/strict';
import type { Command, NewOrder } from '../../src/engine/commands.ts';
import type { Event } from '../../src/engine/events.ts';
import type { Reject } from '../../src/engine/reject.ts';
import type { Millis, Seq } from '../../src/engine/units.ts';
import { JournalUnavailableError } from '../../src/journal/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { MemoryDisk, MemoryJournal } from '../support/memory-journal.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { Leader } from '../../src/sequencer/leader.ts';
import { noMetrics } from '../../src/sequencer/leader-metrics.ts';
import { decodeBody } from '../../src/sequencer/record.ts';
import { recover } from '../../src/sequencer/recovery.ts';
import type { CommandMeta, Committed } from '../../src/sequencer/sequencer.ts';
import { UnavailableError } from '../../src/utils/errors.ts';
import { Follower } from './follower.ts';
import { Random } from './random.ts';
import { World, founding } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly commands: number;
  readonly onProgress?: (commands: number) => void;
}

export interface SimulationReport {
  readonly seed: number;
  readonly commands: number;
  readonly events: number;
  readonly stateHash: string;
  /** Times something happened: events by type, crashes, failed appends, repeats. */
  readonly counts: Readonly<Record<string, number>>;
}

interface Request {
  readonly command: Command;
  readonly meta: CommandMeta | undefined;
}
interface Sent extends Request {
  /** undefined = not answered (yet, or ever: the process died). */
  answer: Committed | Reject | Error | undefined;
}

const ID_LIMIT = 8_192;
const START: Millis = Date.UTC(2024, 0, 1);
const BURST = 8;
/** Between two turns of the event loop, so that progress can be shown. */
const COMMANDS_PER_TURN = 1_000;
const REMEMBERED = 40;

export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const simulation = new Simulation(options.seed);
  try {
    return await simulation.run(options);
  } catch (error) {
    throw new Error(`seed ${options.seed} failed after ${simulation.sent} commands: ${(error as Error).message}\nTo see it again: npm run sim -- --seed ${options.seed} --commands ${options.commands}`, { cause: error });
  }
}

class Simulation {
  sent = 0;
  readonly #seed: number;
  readonly #random: Random;
  readonly #disk = new MemoryDisk();
  readonly #follower = new Follower(ID_LIMIT);
  readonly #world: World;
  /** Small, so that funding is settled in pages, with all sorts of things between them; in some runs in one command. */
  readonly #fundingPage: number | undefined;
  readonly #counts = new Map<string, number>();
  /** Answered requests, for repeating them. */
  readonly #answered: Sent[] = [];
  #clock: Millis = START;
  #openFailures = 0;
  /** Counts the processes there have been. */
  #lives = 0;
  #told: Seq = 0;
  #journal!: MemoryJournal;
  #leader!: Leader;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#world = new World(this.#random, () => this.#leader.state);
    this.#fundingPage = this.#random.pick([1, 2, 3, 5, 8, undefined]);
    this.#disk.latency = () => this.#random.between(0, 6);
    this.#disk.appendFault = () => {
      if (!this.#random.chance(0.002)) return undefined;
      this.#openFailures = this.#random.between(0, 3);
      const fault = this.#random.pick(['lost', 'stored'] as const);
      this.#count(`append ${fault}`);
      return fault;
    };
  }

  async run({ commands, onProgress }: SimulationOptions): Promise<SimulationReport> {
    await this.#start();
    for (const command of founding()) await this.#deliver([{ command, meta: { idempotencyKey: `founding-${this.sent}`, fingerprint: '' } }]);
    assert.deepEqual([...this.#counts.keys()].filter((what) => what.startsWith('refused')), [], 'the venue could not be founded');
    while (this.sent < commands) {
      const before = this.sent;
      await this.#step();
      if (Math.floor(before / COMMANDS_PER_TURN) === Math.floor(this.sent / COMMANDS_PER_TURN)) continue;
      onProgress?.(this.sent);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#restart();
    await this.#replayFromZero();
    const counts = Object.fromEntries([...this.#follower.counts, ...this.#counts].sort(([a], [b]) => a.localeCompare(b)));
    return { seed: this.#seed, commands: this.sent, events: this.#follower.seq, stateHash: this.#follower.engine.stateHash(), counts };
  }

  async #step(): Promise<void> {
    const requests = Array.from({ length: this.#random.between(1, BURST) }, () => this.#request());
    await this.#deliver(requests);
    if (this.#random.chance(0.002)) await this.#restart();
    if (this.#random.chance(0.01)) await this.#snapshot();
  }

  /** Sends until everything has been answered, through crashes and failures. */
  async #deliver(requests: readonly Request[]): Promise<void> {
    let open = requests;
    while (open.length > 0) {
      const sent = open.map((request) => this.#send(request));
      if (this.#random.chance(0.005)) await this.#crash(sent);
      else await this.#settle(sent);
      this.#catchUp();
      for (const request of sent) this.#examine(request);
      open = sent.filter(({ answer }) => answer === undefined || answer instanceof Error);
      if (open.length > 0) this.#count('sent again', open.length);
      if (this.#leader.status.state === 'recovering') await this.#untilLeading();
    }
  }

  #request(): Request {
    if (this.#random.chance(0.03) && this.#answered.length > 0) return this.#repeat(this.#random.pick(this.#answered));
    const command = this.#world.command();
    const scoped = 'account' in command && this.#random.chance(0.3);
    const key = scoped || !hasIds(command) ? `${this.#seed}:key-${this.sent}-${this.#random.between(0, 1e9)}` : undefined;
    return { command, meta: key === undefined ? undefined : { idempotencyKey: key, fingerprint: command.type } };
  }

  /** As it was, with or without its key; sometimes with another body, which has to be refused. */
  #repeat({ command, meta, answer }: Sent): Request {
    this.#count('repeated');
    const accepted = answer !== undefined && 'ok' in answer && answer.ok && answer.events.length > 0;
    if (command.type === 'place_order' && command.order.clientOrderId !== '' && accepted && this.#random.chance(0.3)) {
      return { command: { ...command, order: { ...command.order, quantity: command.order.quantity + 1 } }, meta: undefined };
    }
    if (meta !== undefined && accepted && this.#random.chance(0.1)) return { command, meta: { ...meta, fingerprint: 'other' } };
    return { command, meta };
  }

  #send(request: Request): Sent {
    this.sent++;
    this.#clock += this.#random.weighted([[60, this.#random.between(0, 40)], [5, this.#random.between(0, 5_000)], [1, 1_800_000], [1, -60_000]] as const);
    const sent: Sent = { ...request, answer: undefined };
    const leader = this.#leader;
    leader.submit(request.command, request.meta).then(
      (answer) => { if (leader === this.#leader) sent.answer = answer; },
      (error: Error) => { if (leader === this.#leader) sent.answer = error; },
    );
    return sent;
  }

  async #settle(sent: readonly Sent[]): Promise<void> {
    for (let turns = 0; sent.some(({ answer }) => answer === undefined); turns++) {
      assert.ok(turns < 10_000, 'a command is never answered');
      await undefined;
    }
  }

  /** Whatever was answered must be durable, and must be what is stored. */
  #examine({ command, meta, answer }: Sent): void {
    if (answer === undefined) return;
    if (answer instanceof Error) {
      assert.ok(answer instanceof UnavailableError, `${command.type}: ${answer.stack}`);
      return;
    }
    if (answer.ok) this.#examineCommitted(command, answer);
    else this.#count(`refused: ${answer.code}`);
    this.#answered.push({ command, meta, answer });
    if (this.#answered.length > REMEMBERED) this.#answered.splice(this.#random.between(0, REMEMBERED - 1), 1);
  }

  #examineCommitted(command: Command, answer: Committed): void {
    this.#count(answer.replayed ? 'answered from before' : 'committed');
    const lastSeq = answer.events.reduce((last, event) => Math.max(last, event.seq), 0);
    assert.ok(lastSeq <= this.#disk.lastSeq, `event ${lastSeq} was acknowledged and is not stored`);
    const first = answer.events[0];
    if (first === undefined) return;
    const stored = decodeBody(this.#disk.records[this.#disk.indexOf(first.seq)]!).events;
    assert.deepEqual(asJson(answer.events.filter((event) => event.seq <= stored.at(-1)!.seq)), asJson(stored), 'the answer is not what is stored');
    for (const order of answer.results?.flatMap((result) => (result.ok ? result.order : [])) ?? []) {
      assert.ok(order <= this.#disk.lastSeq, `${command.type} was answered with order ${order}, which is not stored`);
    }
  }

  async #crash(sent: readonly Sent[]): Promise<void> {
    for (let turns = this.#random.between(0, 25); turns > 0 && sent.some(({ answer }) => answer === undefined); turns--) await undefined;
    this.#count('crashes');
    this.#lives++;
    this.#journal.crash(this.#random.between(0, 3));
    await this.#start();
  }

  /** An orderly end and a new start. */
  async #restart(): Promise<void> {
    this.#count('restarts');
    await this.#leader.close();
    if (this.#random.chance(0.2)) this.#damageNewestSnapshot();
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#openFailures = 0;
    const life = ++this.#lives;
    this.#leader = await Leader.open({
      // What died stays dead: its leader may still ask, and is never answered.
      openJournal: () => (life === this.#lives ? this.#openJournal() : new Promise<never>(() => {})),
      // It goes on while a group of commands is executed.
      clock: { now: () => (this.#clock += this.#random.chance(0.2) ? 1 : 0), reach() {} },
      logger: silentLogger,
      metrics: noMetrics,
      queueLimit: 1_000,
      batchRecords: 5,
      batchChars: 100_000,
      appendsInFlight: 4,
      eagerRecords: 2,
      groupCommands: 3,
      idLimit: ID_LIMIT,
      fundingPage: this.#fundingPage,
      schedule: queueMicrotask,
      delay: async (ms) => { this.#clock += ms; },
    });
    const leader = this.#leader;
    this.#told = leader.committedSeq;
    leader.onCommitted(({ seq, events }) => {
      if (leader !== this.#leader) return;
      assert.equal(events[0]!.seq, this.#told + 1, 'a follower was not told everything in order');
      this.#told = seq;
    });
    this.#catchUp();
    assert.equal(leader.state.stateHash(), this.#follower.engine.stateHash(), 'the recovered state is not what was acknowledged');
  }

  async #openJournal(): Promise<Journal> {
    if (this.#openFailures-- > 0) throw new JournalUnavailableError('the disk is away');
    this.#journal = new MemoryJournal(this.#disk);
    return this.#journal;
  }

  async #untilLeading(): Promise<void> {
    // Timers' commands have nobody who waits for them; they may be on their way, and fail.
    for (let turns = 0; this.#leader.status.state === 'recovering' || !(await this.#settled()); turns++) {
      assert.ok(turns < 1_000_000, 'the leader never leads again');
      await undefined;
    }
    this.#catchUp();
    assert.equal(this.#told, this.#disk.lastSeq, 'followers were not told of what was stored');
    assert.equal(this.#leader.state.stateHash(), this.#follower.engine.stateHash(), 'the rebuilt state is not what is stored');
  }

  #settled(): Promise<boolean> {
    return this.#leader.barrier().then(() => true, () => false);
  }

  #catchUp(): void {
    assert.notEqual(this.#leader.status.state, 'stopped', this.#leader.status.reason);
    for (let index = this.#disk.indexOf(this.#follower.seq + 1); index < this.#disk.records.length; index++) this.#follower.follow(this.#disk.records[index]!);
  }

  async #snapshot(): Promise<void> {
    this.#catchUp();
    await this.#journal.saveSnapshot(this.#follower.snapshot());
    this.#count('snapshots');
  }

  #damageNewestSnapshot(): void {
    const newest = Math.max(...this.#disk.snapshots.keys());
    const snapshot = this.#disk.snapshots.get(newest);
    if (snapshot !== undefined) this.#disk.snapshots.set(newest, { ...snapshot, stateHash: 'damaged' });
  }

  async #replayFromZero(): Promise<void> {
    const { engine } = await recover(this.#journal, { logger: silentLogger, idLimit: ID_LIMIT, useSnapshots: false });
    assert.equal(engine.stateHash(), this.#follower.engine.stateHash(), 'a replay from zero comes to another state');
  }

  #count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }
}

/** Whether sending it again is harmless without an Idempotency-Key. */
function hasIds(command: Command): boolean {
  const named = (orders: readonly NewOrder[]): boolean => orders.every((order) => order.clientOrderId !== '');
  switch (command.type) {
    case 'place_order':
      return named([command.order]);
    case 'place_orders':
      return named(command.orders);
    case 'replace_orders':
      return named(command.place);
    default:
      return false;
  }
}

/** Without what JSON leaves out: fields that are undefined. */
function asJson(events: readonly Event[]): unknown {
  return JSON.parse(JSON.stringify(events));
}
