/** Passwords: what makes one acceptable, and how it is kept (Argon2id). Hashing runs off the main thread, a few at a time. */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, parseOptions, verify } from '@node-rs/argon2';
import { PASSWORD_LENGTH } from '../types/password-length.ts';
import { Refusal } from '../types/refusal.ts';
import { Gate } from '../utils/gate.ts';
import { isCommonPassword } from './common-passwords.ts';

/** OWASP's minimum: 19 MiB, two passes, one lane. Argon2id is the library's default. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const MAX_WAITING = 64;

/** One spelling of what was typed, whatever the keyboard sends for it. Nothing is cut off. */
function normalize(password: string): string {
  return password.normalize('NFKC');
}

/** Throws VALIDATION_FAILED, which names `path`, for a new password that will not do. */
export function requireGood(password: string, email: string, path: string): void {
  const message = passwordProblem(password, email);
  if (message !== undefined) throw new Refusal('VALIDATION_FAILED', `${path} ${message}`, { errors: [{ path, message }] });
}

/** What is wrong with a new password, as one sentence; undefined: nothing. */
export function passwordProblem(password: string, email: string): string | undefined {
  const text = normalize(password);
  const length = [...text].length;
  if (length < PASSWORD_LENGTH.min || length > PASSWORD_LENGTH.max) return `must have ${PASSWORD_LENGTH.min} to ${PASSWORD_LENGTH.max} characters`;
  const lower = text.toLowerCase();
  if (lower === email || lower === email.split('@')[0]) return 'must not be the e-mail address';
  return isCommonPassword(text) ? 'is one of the most common passwords; choose another' : undefined;
}

/** Of 144 random bits. */
export function madeUpPassword(): string {
  return randomBytes(18).toString('base64url');
}

export class PasswordHasher {
  readonly #gate = new Gate(Math.max(1, Math.min(4, availableParallelism())), MAX_WAITING);
  #decoy: Promise<string> | undefined;

  /** PHC string with its parameters. Throws UnavailableError when too many wait. */
  hash(password: string): Promise<string> {
    return this.#gate.run(() => hash(normalize(password), PARAMETERS));
  }

  /** With no hash to compare with it takes as long and is false. */
  async verify(stored: string | undefined, password: string): Promise<boolean> {
    this.#decoy ??= this.hash('nobody has this password');
    const against = stored ?? (await this.#decoy);
    const right = await this.#gate.run(() => verify(against, normalize(password)));
    return right && stored !== undefined;
  }

  /** Whether a stored hash was made with other parameters than today's. */
  isOutdated(stored: string): boolean {
    const { memoryCost, timeCost, parallelism } = parseOptions(stored);
    return memoryCost !== PARAMETERS.memoryCost || timeCost !== PARAMETERS.timeCost || parallelism !== PARAMETERS.parallelism;
  }
}
