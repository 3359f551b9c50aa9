/** Commands that have arrived and are not executed yet: what one turn of the event loop brings is executed together, in order of arrival. Knows nothing of what becomes of them. */
import type { Command, CommandType } from '../engine/commands.ts';
import type { Waiter } from './commit-queue.ts';
import type { CommandMeta, Committed } from './sequencer.ts';

/** What a command's caller is given, made when it has been executed. */
export type Answer = (committed: Committed) => object;

export interface Arrived {
  readonly command: Command;
  readonly meta: CommandMeta | undefined;
  readonly answer: Answer;
  readonly waiter: Waiter;
}

export interface ArrivalsOptions {
  /** So many are executed at once, without waiting for what else arrives. */
  readonly groupCommands: number;
  /** Runs a task soon: when what arrives together has arrived. */
  readonly schedule: (task: () => void) => void;
  readonly execute: (group: readonly Arrived[]) => void;
  /** Called at the end of a turn, when all that it brought is executed. */
  readonly onTurn: () => void;
}

/** What clients send most, and what changes neither assets nor markets nor who has an account. All else is executed when it arrives. */
const CAN_WAIT: ReadonlySet<CommandType> = new Set(['place_order', 'place_orders', 'cancel_order', 'cancel_orders', 'replace_orders', 'amend_order']);

export class Arrivals {
  readonly #options: ArrivalsOptions;
  #arrived: Arrived[] = [];
  #scheduled = false;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#arrived.length;
  }

  add(arrived: Arrived): void {
    this.#arrived.push(arrived);
    if (this.#arrived.length >= this.#options.groupCommands || !CAN_WAIT.has(arrived.command.type)) this.execute();
    this.soon();
  }

  /** All that have arrived, now. */
  execute(): void {
    if (this.#arrived.length === 0) return;
    const group = this.#arrived;
    this.#arrived = [];
    this.#options.execute(group);
  }

  /** Sees to it that the turn ends. */
  soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.schedule(() => {
      this.execute();
      this.#options.onTurn();
      this.#scheduled = false;
    });
  }
}
