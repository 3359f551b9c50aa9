/** A venue on which simulated people did many things: its engine, its journal, its events. */
import type { Command } from '../../src/engine/commands.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Event } from '../../src/engine/events.ts';
import { decodeBody } from '../../src/sequencer/record.ts';
import { Random } from '../simulation/random.ts';
import { World, founding } from '../simulation/world.ts';
import { START, TestJournal } from './projection.ts';

export interface SimulatedVenue {
  readonly engine: Engine;
  readonly journal: TestJournal;
  readonly events: readonly Event[];
}

/** The same seed, the same venue; with every other seed its funding is settled in pages. */
export function simulateVenue(seed: number, commands: number): SimulatedVenue {
  const random = new Random(seed);
  const engine = Engine.create(seed % 2 === 0 ? 2 : undefined);
  const journal = new TestJournal();
  const events: Event[] = [];
  const world = new World(random, () => engine);
  const setUp = founding();
  let time = START;
  const execute = (command: Command): void => {
    const outcome = engine.execute(command, time);
    if (!outcome.ok || outcome.events.length === 0) return;
    events.push(...outcome.events);
    journal.add(engine.time, ...outcome.events);
  };
  for (let i = 0; i < setUp.length + commands; i++) {
    if (i >= setUp.length) time += random.chance(0.01) ? random.between(0, 9_000_000) : random.between(0, 5_000);
    if ((engine.nextTimer() ?? Infinity) <= time) execute({ type: 'advance_time' });
    execute(setUp[i] ?? world.command());
  }
  return { engine, journal, events };
}

/** A fresh engine that has taken the journal's records up to the one that ends at or before `seq`. */
export function engineAt(journal: TestJournal, seq: number): Engine {
  const engine = Engine.create();
  for (const record of journal.records) {
    if (record.seq + record.count - 1 > seq) break;
    for (const event of decodeBody(record).events) engine.apply(event, record.time);
  }
  return engine;
}
