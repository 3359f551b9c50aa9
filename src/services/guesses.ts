/** How often one may try a password or register, by who tries and at which account. */
import { Refusal } from '../types/refusal.ts';
import { clientKey } from '../utils/addresses.ts';
import { Attempts } from './attempts.ts';
import type { ThrottleLog } from './throttle-log.ts';

const DAY_MS = 86_400_000;
/** Guesses at an account from one address. */
const PER_GUESSER = { free: 5, firstDelayMs: 1_000, maxDelayMs: 900_000, forgetMs: DAY_MS };
/** Guesses at an account from anywhere: so many and so short a wait that one address cannot keep the owner out. */
const PER_ACCOUNT = { free: 200, firstDelayMs: 1_000, maxDelayMs: 30_000, forgetMs: DAY_MS };
const PER_ADDRESS = { free: 30, firstDelayMs: 1_000, maxDelayMs: 900_000, forgetMs: DAY_MS };
const REGISTRATIONS = { free: 50, firstDelayMs: 1_000, maxDelayMs: 900_000, forgetMs: 3_600_000 };

/** What is taken throws RATE_LIMITED when it is too much. Addresses are network addresses. */
export class Guesses {
  readonly #enabled: boolean;
  readonly #byGuesser: Attempts;
  readonly #byAccount: Attempts;
  readonly #byAddress: Attempts;
  readonly #registrations: Attempts;

  /** `enabled`: RATE_LIMITS. */
  constructor({ clock, throttles, enabled }: { readonly clock: () => number; readonly throttles: Pick<ThrottleLog, 'refused'>; readonly enabled: boolean }) {
    this.#enabled = enabled;
    this.#byGuesser = new Attempts(PER_GUESSER, clock, (...told) => throttles.refused('sign_in_guesser', ...told));
    this.#byAccount = new Attempts(PER_ACCOUNT, clock, (...told) => throttles.refused('sign_in_account', ...told));
    this.#byAddress = new Attempts(PER_ADDRESS, clock, (...told) => throttles.refused('sign_in_address', ...told));
    this.#registrations = new Attempts(REGISTRATIONS, clock, (...told) => throttles.refused('registration', ...told));
  }

  takeRegistration(address: string): void {
    this.#take(this.#registrations, clientKey(address));
  }

  takeLogin(email: string, address: string): void {
    this.#take(this.#byAddress, clientKey(address));
    this.takePassword(email, address);
  }

  /** Of who need not say which account they mean. */
  takePassword(email: string, address: string): void {
    this.#take(this.#byGuesser, `${email} ${clientKey(address)}`);
    this.#take(this.#byAccount, email);
  }

  /** The owner has come. */
  forgetLogin(email: string, address: string): void {
    this.#byAddress.refund(clientKey(address));
    this.forgetPassword(email, address);
  }

  forgetPassword(email: string, address: string): void {
    this.#byGuesser.reset(`${email} ${clientKey(address)}`);
    this.#byAccount.reset(email);
  }

  #take(attempts: Attempts, key: string): void {
    const waitMs = this.#enabled ? attempts.take(key) : 0;
    if (waitMs > 0) throw new Refusal('RATE_LIMITED', 'too many attempts; wait', { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
  }
}
