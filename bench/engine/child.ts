/** Runs one phase in this process and sends the figures to the parent. */
import { runPhase } from './phases.ts';
import type { Phase } from './phases.ts';

process.once('message', (phase: Phase) => {
  process.send?.(runPhase(phase), () => process.disconnect());
});
