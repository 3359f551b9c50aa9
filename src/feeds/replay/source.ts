/**
 * Plays recordings as if they happened now: the days of a directory one after the other, files merged by time, at a multiple of real speed. Its time begins now and
 * runs as fast as it plays, so that ages are those of the recording at any speed; what a venue's clock was off by then, it is off by now. Silences of all files together
 * are skipped, and prices start afresh after them. At the end it begins again (`loop`), or prices end and the markets move to their safe state.
 */
import type { Clock } from '../../utils/clock.ts';
import { pause } from '../../utils/clock.ts';
import type { Logger } from '../../observability/logger.ts';
import type { ReplayMode } from '../mode.ts';
import { splitPair, type PriceSource, type SourceListener, type Tick, type Venue } from '../source.ts';
import { readPlaylist, type Playlist, type Recording } from './catalog.ts';
import type { Observed } from './decode.ts';
import { Merge } from './merge.ts';
import { ReplayTime } from './time.ts';

export interface ReplayOptions {
  readonly mode: ReplayMode;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Recorded silence that is skipped. */
const GAP_MS = 300_000;
/** Work between two turns of the event loop, so that orders never wait for a replay. */
const SLICE_MS = 4;
/** Longest pause, so that a stop or a changed clock is noticed. */
const MAX_PAUSE_MS = 250;
const DAY_MS = 86_400_000;
/** Faults that are logged per file. */
const MAX_FAULTS_LOGGED = 3;

export class ReplaySource implements PriceSource {
  readonly name = 'replay';
  readonly #mode: ReplayMode;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  /** Of the day that is playing, by `source pair kind`. */
  #venues = new Map<string, Venue>();
  #connected = new Set<string>();
  /** By path. */
  #faults = new Map<string, number>();
  /** Of the day that is playing, by source. */
  #faultsOfDay = new Map<string, number>();
  #running: Promise<void> = Promise.resolve();
  readonly #time: ReplayTime;

  constructor({ mode, clock, logger }: ReplayOptions) {
    this.#mode = mode;
    this.#clock = clock;
    this.#logger = logger;
    this.#time = new ReplayTime(clock, mode.speed);
  }

  now(): number {
    return this.#time.now();
  }

  venues(base: string): readonly Venue[] {
    return [...this.#venues.values()].filter(({ pair }) => splitPair(pair)[0] === base);
  }

  /** Reads which files there are; throws when there is nothing to play. */
  async start(listener: SourceListener): Promise<void> {
    const playlist = await readPlaylist(this.#mode);
    this.#announce(playlist);
    this.#running = this.#run(playlist, listener).catch((error: unknown) => {
      this.#logger.error('the replay broke off', { error });
      this.#end(listener, 'the replay broke off');
    });
  }

  /** A recording holds what it holds. */
  follow(): void {}

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(playlist: Playlist, listener: SourceListener): Promise<void> {
    do {
      for (const { day, recordings } of playlist.days) {
        if (this.#stopped) return;
        await this.#playDay(day, recordings, listener);
      }
    } while (this.#mode.loop === true && !this.#stopped);
    if (!this.#stopped) this.#end(listener, 'the recording ended');
  }

  async #playDay(day: string, recordings: readonly Recording[], listener: SourceListener): Promise<void> {
    this.#logger.info('replaying a day', { day, speed: this.#mode.speed, files: recordings.map(({ kind, source, path }) => `${kind} ${source} ${path.split(/[\\/]/).at(-1)}`) });
    this.#venues = new Map(recordings.flatMap(({ source, instrument }) =>
      instrument === undefined ? [] : [[`${source} ${instrument.pair} ${instrument.kind}`, { source, ...instrument }] as const]));
    this.#faultsOfDay.clear();
    const merge = new Merge(recordings, ({ recording, error }) => this.#fault(recording, error, listener));
    try {
      await merge.open();
      await this.#playMerged(merge, Date.parse(day), listener);
    } finally {
      merge.close();
    }
    if (this.#stopped) return;
    const faults = [...this.#faultsOfDay.values()].reduce((sum, count) => sum + count, 0);
    this.#logger[faults === 0 ? 'info' : 'warn']('a day was replayed', { day, unusable: faults, ...(faults === 0 ? {} : { bySource: Object.fromEntries(this.#faultsOfDay) }) });
    this.#disconnect(listener, `the recording of ${day} ended`);
  }

  async #playMerged(merge: Merge, midnight: number, listener: SourceListener): Promise<void> {
    const from = midnight + (this.#mode.fromMs ?? 0);
    // A capture of the last minutes may run a little into the next day.
    const to = this.#mode.toMs === undefined ? midnight + 2 * DAY_MS : midnight + this.#mode.toMs;
    let last = -Infinity;
    let sliceEnd = performance.now() + SLICE_MS;
    for (let next = merge.head; next !== undefined && next.timeMs < to && !this.#stopped; next = merge.head) {
      const { recording } = merge;
      if (next.timeMs >= from) {
        if (next.timeMs - last > GAP_MS) this.#begin(next.timeMs, last, listener);
        if (await this.#waitFor(next.timeMs)) sliceEnd = performance.now() + SLICE_MS;
        if (this.#stopped) return;
        last = next.timeMs;
        this.#time.reach(next.timeMs);
        if (recording.kind !== 'klines' || !merge.tradesIn(recording, next.timeMs)) this.#play(next, recording, listener);
      } else {
        // Books are built from their snapshot on, even where they are not shown yet.
        this.#ticksOf(next, recording, listener);
      }
      const reading = merge.take();
      if (reading !== undefined) await reading;
      if (performance.now() >= sliceEnd) {
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
  }

  /** Starts the clock of a segment: its first message is played now. */
  #begin(recordedMs: number, lastMs: number, listener: SourceListener): void {
    const reason = `the recording continues at ${new Date(recordedMs).toISOString()}`;
    this.#logger.info(reason, lastMs === -Infinity ? {} : { skippedMs: Math.round(recordedMs - lastMs) });
    this.#time.begin(recordedMs);
    listener.onReset(reason);
  }

  /** Until the recorded time is due. Whether it waited. */
  async #waitFor(recordedMs: number): Promise<boolean> {
    let waited = false;
    for (let wait = this.#time.until(recordedMs); wait >= 1 && !this.#stopped; wait = this.#time.until(recordedMs)) {
      waited = true;
      await pause(this.#clock, Math.min(wait, MAX_PAUSE_MS), this.#stopping.signal);
    }
    return waited;
  }

  #play(observed: Observed, recording: Recording, listener: SourceListener): void {
    const now = this.#time.now();
    for (const tick of this.#ticksOf(observed, recording, listener)) {
      this.#meet(tick, listener);
      const moved = tick.eventTimeMs === undefined ? {} : { eventTimeMs: tick.eventTimeMs + now - tick.receivedTimeMs };
      listener.onTick({ ...tick, ...moved, receivedTimeMs: now });
    }
  }

  #ticksOf(observed: Observed, recording: Recording, listener: SourceListener): readonly Tick[] {
    try {
      return observed.ticks();
    } catch (error) {
      this.#fault(recording, error, listener);
      return [];
    }
  }

  #meet({ source, pair, kind }: Tick, listener: SourceListener): void {
    if (!this.#connected.has(source)) {
      this.#connected.add(source);
      listener.onState(source, 'connected', 'replayed');
    }
    const key = `${source} ${pair} ${kind}`;
    if (!this.#venues.has(key)) this.#venues.set(key, { source, pair, kind });
  }

  #end(listener: SourceListener, reason: string): void {
    this.#logger.info(reason);
    this.#disconnect(listener, reason);
    this.#time.end();
    listener.onReset(reason);
  }

  #disconnect(listener: SourceListener, reason: string): void {
    for (const source of this.#connected) listener.onState(source, 'ended', reason);
    this.#connected.clear();
  }

  #announce({ days, left }: Playlist): void {
    this.#logger.info('recordings to replay', {
      directory: this.#mode.directory,
      speed: this.#mode.speed,
      loop: this.#mode.loop === true,
      days: days.map(({ day, recordings }) => `${day}: ${recordings.length} files (${[...new Set(recordings.map(({ source }) => source))].join(', ')})`),
      leftOut: left.length,
    });
    for (const { path, reason } of left) this.#logger.debug('not replayed', { path, reason });
  }

  #fault({ path, source }: Recording, error: unknown, listener: SourceListener): void {
    const count = (this.#faults.get(path) ?? 0) + 1;
    this.#faults.set(path, count);
    this.#faultsOfDay.set(source, (this.#faultsOfDay.get(source) ?? 0) + 1);
    if (count <= MAX_FAULTS_LOGGED) this.#logger.warn('a recorded line cannot be used', { path, source, error });
    listener.onFault(source, error);
  }
}
