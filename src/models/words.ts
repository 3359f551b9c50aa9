/** Texts that many documents of one database share, each stored once under a number. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { UnreadableRowError } from './errors.ts';

/** Texts and numbers kept in memory; beyond it, all are read anew. */
const CACHED = 100_000;
/** What no text has. */
const NO_WORD = -1;

export class Words {
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #numbers = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  constructor(db: DatabaseSync) {
    db.exec('CREATE TABLE IF NOT EXISTS words (id INTEGER NOT NULL PRIMARY KEY, word TEXT NOT NULL UNIQUE)');
    this.#find = db.prepare('SELECT id FROM words WHERE word = ?');
    this.#insert = db.prepare('INSERT INTO words (word) VALUES (?)');
    this.#read = db.prepare('SELECT word FROM words WHERE id = ?');
  }

  /** The text's number for a look-up: one that no document has, when the text was never stored. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const found = (this.#find.get(text) as { id: number } | undefined)?.id;
    return found === undefined ? NO_WORD : this.#remember(text, found);
  }

  /** The text's number for a document, a new one if need be. */
  store(text: string): number {
    const known = this.numberOf(text);
    return known === NO_WORD ? this.#remember(text, Number(this.#insert.run(text).lastInsertRowid)) : known;
  }

  textOf(number: number): string {
    const known = this.#texts.get(number);
    if (known !== undefined) return known;
    const found = this.#read.get(number) as { word: string } | undefined;
    if (found === undefined) throw new UnreadableRowError(`word ${number} is missing`);
    this.#remember(found.word, number);
    return found.word;
  }

  /** After a transaction was undone: numbers it gave out are nobody's again. */
  forget(): void {
    this.#numbers.clear();
    this.#texts.clear();
  }

  #remember(text: string, number: number): number {
    if (this.#numbers.size >= CACHED) this.forget();
    this.#numbers.set(text, number);
    this.#texts.set(number, text);
    return number;
  }
}
