/** What administrators change about a user: whether they may sign in, and their roles. Takes effect at once, for tokens and open connections too. */
import type { Collection, Store } from '../models/collection.ts';
import { users, type UserDoc } from '../models/users.ts';
import type { Principal, Role } from '../types/principal.ts';
import { Refusal } from '../types/refusal.ts';
import type { AuditLog } from './audit.ts';
import type { Credentials } from './credentials.ts';
import type { Sessions } from './sessions.ts';
import { publicUser, type Origin, type PublicUser } from './sign-in.ts';

export interface UsersParts {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly sessions: Sessions;
  readonly audit: AuditLog;
  readonly clock: () => number;
}

export class UserService {
  readonly #parts: UsersParts;
  readonly #users: Collection<UserDoc>;

  constructor(parts: UsersParts) {
    this.#parts = parts;
    this.#users = parts.store.collection(users);
  }

  /** Frozen: cannot sign in, and all sessions end. Throws NOT_FOUND, or CONFLICT for oneself. */
  setStatus(actor: Principal, userId: string, status: UserDoc['status'], origin: Origin): Promise<PublicUser> {
    return this.#change(actor, userId, { status }, status === 'frozen' ? 'user.freeze' : 'user.unfreeze', origin);
  }

  /** Throws NOT_FOUND, or CONFLICT for oneself: no administrator locks the last door behind them. */
  setRoles(actor: Principal, userId: string, roles: readonly Role[], origin: Origin): Promise<PublicUser> {
    return this.#change(actor, userId, { roles }, 'user.roles', origin);
  }

  #change(actor: Principal, userId: string, change: Partial<Pick<UserDoc, 'status' | 'roles'>>, action: string, origin: Origin): Promise<PublicUser> {
    return this.#parts.credentials.change(userId, async (user) => {
      if (user === undefined) throw new Refusal('NOT_FOUND', 'there is no such user');
      if (user.id === actor.userId) throw new Refusal('CONFLICT', 'administrators cannot change themselves');
      const before = { status: user.status, roles: user.roles };
      await this.#parts.audit.record({ actor: actor.userId, action, target: userId, before, after: { ...before, ...change }, ip: origin.ip, requestId: origin.requestId });
      await this.#users.patch(userId, { ...change, updatedAt: this.#parts.clock() });
      if (change.status === 'frozen') await this.#parts.sessions.removeAll(userId);
      else await this.#parts.sessions.userChanged(userId);
      return publicUser({ ...user, ...change });
    });
  }
}
