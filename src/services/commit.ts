/** Submits a command for a use case: what was committed, or the engine's refusal thrown as one. */
import type { Command } from '../engine/commands.ts';
import type { Event, EventOf, EventType } from '../engine/events.ts';
import type { Reject } from '../engine/reject.ts';
import type { CommandMeta, Committed, Sequencer } from '../sequencer/sequencer.ts';
import { Refusal } from '../types/refusal.ts';

export function commit(sequencer: Sequencer, command: Command, meta?: CommandMeta): Promise<Committed>;
/** What `answer` makes of it, once durable. */
export function commit<T extends object>(sequencer: Sequencer, command: Command, meta: CommandMeta | undefined, answer: (committed: Committed) => T): Promise<T>;
export function commit(sequencer: Sequencer, command: Command, meta?: CommandMeta, answer: (committed: Committed) => object = whole): Promise<object> {
  return sequencer.submit(command, meta, answer).then(granted);
}

function whole(committed: Committed): Committed {
  return committed;
}

function granted(outcome: object): object {
  if ('ok' in outcome && outcome.ok === false) throw Refusal.of(outcome as Reject);
  return outcome;
}

/** The one event of this type that a committed command must have led to. */
export function eventOf<T extends EventType>(events: readonly Event[], type: T): EventOf<T> {
  const found = events.find((event): event is EventOf<T> => event.type === type);
  if (found === undefined) throw new Error(`a committed command has no ${type} event`);
  return found;
}
