/** Which sessions and users have changed since something about them was remembered. Bounded: when it is full it forgets all, and all that was remembered counts as old. */

const MAX_MARKS = 10_000;

export class Revocations {
  #generation = 0;
  /** What was remembered before this is old, whatever it is about. */
  #floor = 0;
  readonly #marks = new Map<string, number>();

  /** Taken before something is read, and kept with it. */
  get generation(): number {
    return this.#generation;
  }

  /** From now on, what was read about this session or user earlier is old. */
  mark(id: string): void {
    this.#generation++;
    if (this.#marks.size >= MAX_MARKS) {
      this.#marks.clear();
      this.#floor = this.#generation;
    }
    this.#marks.set(id, this.#generation);
  }

  /** Whether what was read at this generation about this session of this user still holds. */
  holds(generation: number, sessionId: string, userId: string): boolean {
    return generation >= this.#floor && (this.#marks.get(sessionId) ?? 0) <= generation && (this.#marks.get(userId) ?? 0) <= generation;
  }
}
