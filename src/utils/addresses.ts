/** Network addresses: one spelling each, sets of ranges, and the part of an address by which clients are counted. */
import { BlockList, isIP, isIPv6 } from 'node:net';

/** An IPv4 address that came in over an IPv6 socket is the IPv4 address. */
export function canonicalAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** By what a client is counted: its IPv4 address, or its /56 of IPv6, since whoever has one address there has them all. */
export function clientKey(address: string): string {
  return isIPv6(address) ? ipv6Prefix56(address) : address;
}

function ipv6Prefix56(address: string): string {
  const [head, tail] = (address.split('%')[0] as string).split('::') as [string, string?];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  const first = groups.slice(0, 4).map((group) => Number.parseInt(group, 16));
  first[3] = (first[3] ?? 0) & 0xff00;
  return `${first.map((group) => group.toString(16)).join(':')}::/56`;
}

/** Addresses and CIDR ranges of both families. */
export class AddressSet {
  readonly #ranges = new BlockList();
  readonly #text: string;

  /** Throws a RangeError that names the entry that is neither an address nor a range. */
  constructor(entries: readonly string[]) {
    this.#text = entries.join(',');
    for (const entry of entries) this.#add(entry);
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#ranges.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }

  toString(): string {
    return this.#text;
  }

  #add(entry: string): void {
    const [address, prefix, ...rest] = entry.split('/') as [string, string?, ...string[]];
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (family === 0 || rest.length > 0 || !(bits <= most)) throw new RangeError(`${entry} is not an address or CIDR range`);
    this.#ranges.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
}
