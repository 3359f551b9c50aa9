/** Who is asking, once that has been established. */
import type { AccountId } from '../engine/units.ts';

export type Role = 'user' | 'admin';
/** What a route demands: nothing, any of the permissions of a session or key, or the admin role. */
export type Permission = 'public' | 'read' | 'trade' | 'withdraw' | 'admin';

export interface Principal {
  readonly userId: string;
  /** The user's engine account. */
  readonly account: AccountId;
  readonly roles: readonly Role[];
  readonly permissions: readonly Exclude<Permission, 'public' | 'admin'>[];
  readonly sessionId: string;
  /** When the credential ends, ms. */
  readonly expiresAt: number;
}
