/** Submits a command for a use case: what was committed, or the engine's refusal thrown as one. */
import type { Command } from '../engine/commands.ts';
import type { Event, EventOf, EventType } from '../engine/events.ts';
import type { Reject } from '../engine/reject.ts';
import type { CommandMeta, Committed, Sequencer } from '../sequencer/sequencer.ts';
import { Refusal } from '../types/refusal.ts';

export function commit(sequencer: Sequencer, command: Command, meta?: CommandMeta): Promise<Committed>;
/** What `answer` makes of it, once durable. */
export function commit<T extends object>(sequencer: Sequencer, command: Command, meta: CommandMeta | undefined, answer: (committed: Committed) => T): Promise<T>;
export function commit(sequencer: Sequencer, command: Command, meta?: CommandMeta, answer?: (committed: Committed) => object): Promise<object> {
  return answer === undefined ? sequencer.submit(command, meta).then(granted) : sequencer.submit(command, meta, answer).then(granted);
}

/** Throws what is a refusal. */
export function granted<T>(value: T | Reject): T {
  if (typeof value === 'object' && value !== null && 'ok' in value && !value.ok) throw Refusal.of(value);
  return value as T;
}

/** The one event of this type that a committed command must have led to. */
export function eventOf<T extends EventType>(events: readonly Event[], type: T): EventOf<T> {
  const found = events.find((event): event is EventOf<T> => event.type === type);
  if (found === undefined) throw new Error(`a committed command has no ${type} event`);
  return found;
}
