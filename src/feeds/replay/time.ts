/**
 * The time of a replay: it begins at the clock's and runs at the speed of the replay, never backwards and never past what comes next, however late that is read or played.
 * Recorded times are its times moved by the same distance, from one beginning to the next.
 */
import type { Clock } from '../../utils/clock.ts';

/** A replay that is later than this (the machine stood still, the clock jumped) goes on from there: a market must not see minutes of prices in one moment. */
const LATE_MS = 2_000;

export class ReplayTime {
  readonly #clock: Clock;
  readonly #speed: number;
  /** Recorded time of the beginning, its place in this time, and when it was played. */
  #recordedMs = 0;
  #placedMs: number;
  #playedMs: number;
  /** Where it was and when; how fast it runs from there, and up to where. */
  #atMs: number;
  #sinceMs: number;
  #rate = 1;
  #limitMs = Infinity;

  constructor(clock: Clock, speed: number) {
    this.#clock = clock;
    this.#speed = speed;
    this.#placedMs = this.#playedMs = this.#atMs = this.#sinceMs = clock.now();
  }

  now(): number {
    return Math.min(this.#limitMs, this.#atMs + Math.max(0, this.#clock.now() - this.#sinceMs) * this.#rate);
  }

  /** A recorded time begins to play now. */
  begin(recordedMs: number): void {
    this.#placedMs = this.now();
    this.#recordedMs = recordedMs;
    this.#playedMs = this.#clock.now();
    this.#rate = this.#speed;
    this.#go(this.#placedMs, this.#placedMs);
  }

  /** ms of the clock until a recorded time is due, which comes next; below 0 when it is late. */
  until(recordedMs: number): number {
    this.#limitMs = Math.max(this.#atMs, this.#place(recordedMs));
    const left = this.#playedMs + (recordedMs - this.#recordedMs) / this.#speed - this.#clock.now();
    if (left < -LATE_MS) this.#playedMs -= left;
    return left;
  }

  /** A recorded time is played; it stands there until it is known what comes next. */
  reach(recordedMs: number): void {
    const placed = Math.max(this.#atMs, this.#place(recordedMs));
    this.#go(placed, placed);
  }

  /** Nothing comes next: it goes on as the clock does. */
  end(): void {
    this.#rate = 1;
    this.#go(this.now(), Infinity);
  }

  #place(recordedMs: number): number {
    return this.#placedMs + recordedMs - this.#recordedMs;
  }

  #go(atMs: number, limitMs: number): void {
    this.#atMs = atMs;
    this.#sinceMs = this.#clock.now();
    this.#limitMs = limitMs;
  }
}
