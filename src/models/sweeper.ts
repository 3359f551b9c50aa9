/** Removes what has expired, now and then, a batch at a time: between two of them the thread does what else waits for it. */

/**
 * `batch` removes some and says whether there may be more. What it throws is left at that: the database is busy or the disk full, the next round tries again, and
 * whoever writes is told of the fault. Returns how to stop.
 */
export function sweepEvery(ms: number, batch: () => boolean): () => void {
  let next: NodeJS.Immediate | undefined;
  const sweep = (): void => {
    next = undefined;
    try {
      if (batch()) next = setImmediate(sweep);
    } catch {
      // Said above.
    }
  };
  const timer = setInterval(() => {
    if (next === undefined) sweep();
  }, ms);
  return () => {
    clearInterval(timer);
    clearImmediate(next);
  };
}
