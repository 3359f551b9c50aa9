/** Runs one phase in this process and sends the figures to the parent. */
import { runPhase } from './phases.ts';
import type { Phase } from './phases.ts';

process.once('message', async (phase: Phase) => {
  process.send?.(await runPhase(phase), () => process.disconnect());
});
