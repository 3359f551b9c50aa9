/** Waits for conditions, never for time. */
const STEP_MS = 20;

/** Resolves with the first defined result of `probe`; throws with `what` when there is none within the limit. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined> | T | undefined, limitMs = 10_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`did not happen within ${limitMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, STEP_MS));
  }
}
