/** Access tokens: signed, short-lived statements of who is asking, by which session. They carry no rights; those are looked up. */
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { Refusal } from '../types/refusal.ts';

const ISSUER = 'bourse';
const AUDIENCE = 'bourse-api';
/** RFC 9068's type for access tokens, so that no other kind of token passes for one. */
const TYPE = 'at+jwt';
const ALGORITHM = 'HS256';
/** Header fields that would let a token bring its own key. */
const FOREIGN_KEYS = ['jku', 'jwk', 'x5u', 'x5c', 'crit'];
export const ACCESS_TOKEN_MS = 15 * 60_000;
/** How far the clock may have been set back since a token was issued, seconds. RFC 7519, 4.1.5, has such a leeway. */
const LEEWAY_SECONDS = 60;

export interface AccessClaims {
  readonly userId: string;
  readonly sessionId: string;
  /** ms. */
  readonly expiresAt: number;
}

interface Key {
  readonly id: string;
  readonly secret: KeyObject;
}

export class AccessTokens {
  /** The first signs, all verify. */
  readonly #keys: readonly Key[];
  readonly #clock: () => number;

  constructor(secrets: readonly string[], clock: () => number) {
    this.#keys = secrets.map((secret) => ({ id: keyId(secret), secret: createSecretKey(Buffer.from(secret)) }));
    this.#clock = clock;
  }

  issue(claims: AccessClaims): string {
    const { id, secret } = this.#keys[0] as Key;
    const iat = this.#seconds;
    const payload = { iss: ISSUER, aud: AUDIENCE, sub: claims.userId, sid: claims.sessionId, iat, nbf: iat, exp: Math.floor(claims.expiresAt / 1_000) };
    return jwt.sign(payload, secret, { algorithm: ALGORITHM, keyid: id, header: { alg: ALGORITHM, typ: TYPE, kid: id } });
  }

  /** Throws Refusal TOKEN_EXPIRED or UNAUTHENTICATED. */
  verify(token: string): AccessClaims {
    return this.#claims(token, false);
  }

  /** The session that a token of ours names, also after its time: for ending it and nothing else. undefined: the token is not ours. */
  sessionOf(token: string): Pick<AccessClaims, 'userId' | 'sessionId'> | undefined {
    try {
      return this.#claims(token, true);
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  #claims(token: string, ignoreExpiration: boolean): AccessClaims {
    const header = jwt.decode(token, { complete: true })?.header as Readonly<Record<string, unknown>> | undefined;
    const key = this.#keys.find(({ id }) => id === header?.kid);
    if (header === undefined || key === undefined || header.typ !== TYPE || FOREIGN_KEYS.some((field) => field in header)) throw unauthenticated();
    const claims = this.#verified(token, key, ignoreExpiration);
    if (typeof claims.nbf !== 'number' || claims.nbf > this.#seconds + LEEWAY_SECONDS) throw unauthenticated();
    return claimsOf(claims);
  }

  #verified(token: string, key: Key, ignoreExpiration: boolean): jwt.JwtPayload {
    try {
      // Its tolerance would count for the end as well.
      return jwt.verify(token, key.secret, { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, clockTimestamp: this.#seconds, ignoreExpiration, ignoreNotBefore: true }) as jwt.JwtPayload;
    } catch (error) {
      if (error instanceof jwt.TokenExpiredError) throw tokenExpired();
      throw unauthenticated();
    }
  }

  get #seconds(): number {
    return Math.floor(this.#clock() / 1_000);
  }
}

export function tokenExpired(): Refusal {
  return new Refusal('TOKEN_EXPIRED', 'the access token has expired; refresh it');
}

export function unauthenticated(): Refusal {
  return new Refusal('UNAUTHENTICATED', 'the credential is not valid');
}

/** The library checks exp only where it is there. */
function claimsOf({ sub, sid, exp }: jwt.JwtPayload): AccessClaims {
  if (typeof sub !== 'string' || typeof sid !== 'string' || typeof exp !== 'number') throw unauthenticated();
  return { userId: sub, sessionId: sid, expiresAt: exp * 1_000 };
}

/** Says which secret without saying what it is. */
function keyId(secret: string): string {
  return createHash('sha256').update(`kid:${secret}`).digest('hex').slice(0, 16);
}
