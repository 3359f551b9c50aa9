/** The grammars of single environment variables. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseFeeds, type FeedsMode } from '../feeds/mode.ts';
import { AddressSet } from '../utils/addresses.ts';

const ROLES = ['api', 'stream', 'engine', 'feed', 'projector', 'worker'] as const;
export type NodeRole = (typeof ROLES)[number];

/** Whose X-Forwarded-For is believed: nobody's, that many hops, or these addresses. */
export type TrustProxy = false | number | readonly string[];

export interface EncryptionKey {
  readonly id: string;
  readonly key: Uint8Array;
}

const MIN_SECRET = 32;
const MAX_HOPS = 10;
const AES_KEY_BYTES = 32;

export function integer(min: number, max: number) {
  const message = `must be an integer from ${min} to ${max}`;
  return z.string().regex(/^\d{1,10}$/, message).transform(Number).refine((value) => value >= min && value <= max, message);
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: ({ input }) => `${JSON.stringify(input)} is not one of ${values.join(', ')}` });
}

/** What looks like an address must be one: no host is called 999.1.1.1. */
export const host = z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'must be an address or host name')
  .refine((text) => isIP(text) !== 0 || !/^[\d.]+$|:/.test(text), 'is not an address; the port is a setting of its own, PORT');

export const nodeEnv = oneOf(['development', 'production', 'test']).default('development');
export const onOff = oneOf(['on', 'off']).transform((value) => value === 'on');

/** A variable that must not be set, and why. */
export function unsupported(reason: string) {
  return z.undefined({ error: reason }).optional();
}

const list = z.string().transform((text) => text.split(',').map((item) => item.trim()).filter((item) => item !== ''));

/** A transform whose failures are the messages of the errors it throws. */
function parsed<T>(parse: (items: readonly string[]) => T) {
  return list.transform((items, context): T => {
    try {
      return parse(items);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}

export const roles = parsed((items): readonly NodeRole[] => {
  if (items.includes('all')) return ROLES;
  const unknown = items.find((item) => !(ROLES as readonly string[]).includes(item));
  if (unknown !== undefined || items.length === 0) throw new Error(`${JSON.stringify(unknown ?? '')} is not one of all, ${ROLES.join(', ')}`);
  // Roles that are left out would run nowhere: the distributed set-up is not there yet.
  const missing = ROLES.filter((role) => !items.includes(role));
  if (missing.length > 0) throw new Error(`this version runs every role in one process; ${missing.join(', ')} would be missing`);
  return ROLES;
}).default(ROLES);

export const addresses = parsed((items) => {
  if (items.length === 0) throw new Error('must name at least one address or CIDR range');
  return new AddressSet(items);
});

export const trustProxy = parsed((items): TrustProxy => {
  if (items.length === 1 && items[0] === 'none') return false;
  if (items.length === 1 && /^\d{1,2}$/.test(items[0] as string)) {
    const hops = Number(items[0]);
    if (hops < 1 || hops > MAX_HOPS) throw new Error(`must be 1 to ${MAX_HOPS} hops, or addresses and CIDR ranges`);
    return hops;
  }
  new AddressSet(items);
  return items;
});

export const origins = parsed((items): readonly string[] => {
  for (const item of items) {
    const origin = URL.canParse(item) ? new URL(item).origin : 'null';
    if (origin === 'null' || origin !== item || !/^https?:/.test(item)) throw new Error(`${item} is not an origin such as https://app.example.com`);
  }
  return items;
});

export const secrets = parsed((items): readonly string[] => {
  if (items.length === 0 || items.some((item) => item.length < MIN_SECRET)) throw new Error(`must be one or more secrets of at least ${MIN_SECRET} characters, with commas between them`);
  return items;
});

export const encryptionKeys = parsed((items): readonly EncryptionKey[] => {
  const keys = items.map((item) => {
    const match = /^([A-Za-z0-9_-]{1,16}):([A-Za-z0-9+/]{43}=)$/.exec(item);
    const key = Buffer.from(match?.[2] ?? '', 'base64');
    if (match === null || key.length !== AES_KEY_BYTES) throw new Error(`must be id:key pairs with commas between them, each key ${AES_KEY_BYTES} bytes in base64`);
    return { id: match[1] as string, key: new Uint8Array(key) };
  });
  if (keys.length === 0 || new Set(keys.map(({ id }) => id)).size < keys.length) throw new Error('must name each key once');
  return keys;
});

export const feeds = z
  .string()
  .transform((text, context): FeedsMode => {
    try {
      return parseFeeds(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  })
  .default({ mode: 'auto' });
