/** Lets a thread of background work yield to those that serve requests. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** As `nice` counts: 0 is normal, 19 the least. At 10 a thread gets a tenth of what a normal one gets where both want the same core. */
const BACKGROUND = 10;

/** As the system counts threads; Linux only. proc(5): "<pid>/task/<tid>". */
export function threadId(): number {
  return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
}

/** Of the calling thread alone. Where the system cannot do that (only Linux can), nothing changes. */
export function yieldToOthers(): void {
  try {
    // On Linux setpriority(2) takes a thread's id and concerns that thread.
    setPriority(threadId(), BACKGROUND);
  } catch {
    // Background work then competes on equal terms.
  }
}
