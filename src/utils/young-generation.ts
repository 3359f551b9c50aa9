/** How much room for young objects the threads of this process have. */
import { setFlagsFromString } from 'node:v8';

/** V8 counts half-spaces, in MiB; it takes up to three of them. What it gives by itself. */
const LEAST = 1;
const MOST = 16;

/**
 * Threads that are started from here on have as much as V8 gives by itself. What the command line asks for is meant for the thread that serves, whose requests wait for the
 * disk; V8 would give it to each thread, and lets `resourceLimits` say nothing against it.
 */
export function keepOtherThreadsSmall(): void {
  setFlagsFromString(`--min-semi-space-size=${LEAST}`);
  setFlagsFromString(`--max-semi-space-size=${MOST}`);
}
