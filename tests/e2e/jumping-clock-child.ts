/** The server on a machine whose wall clock is wrong by CLOCK_OFFSET_MS from the start, and is set back by an hour at each SIGUSR2. For `startServer`. */
const trueTime = Date.now;
let offsetMs = Number(process.env.CLOCK_OFFSET_MS ?? 0);
Date.now = () => trueTime() + offsetMs;
process.on('SIGUSR2', () => { offsetMs -= 3_600_000; });
await import('../../src/main.ts');
