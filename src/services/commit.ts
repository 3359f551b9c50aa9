/** Submits a command for a use case: what was committed, or the engine's refusal thrown as one. */
import type { Command } from '../engine/commands.ts';
import type { Event, EventOf, EventType } from '../engine/events.ts';
import type { CommandMeta, Committed, Sequencer } from '../sequencer/sequencer.ts';
import { Refusal } from '../types/refusal.ts';

export async function commit(sequencer: Sequencer, command: Command, meta?: CommandMeta): Promise<Committed> {
  const outcome = await sequencer.submit(command, meta);
  if (!outcome.ok) throw Refusal.of(outcome);
  return outcome;
}

/** The one event of this type that a committed command must have led to. */
export function eventOf<T extends EventType>(events: readonly Event[], type: T): EventOf<T> {
  const found = events.find((event): event is EventOf<T> => event.type === type);
  if (found === undefined) throw new Error(`a committed command has no ${type} event`);
  return found;
}
