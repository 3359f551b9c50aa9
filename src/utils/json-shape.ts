/** Measures JSON before and after it is parsed, so that hostile shapes are found in one pass and without recursion limits. */

export interface JsonShape {
  /** Deepest nesting of objects and arrays. */
  readonly depth: number;
  /** Keys of all objects, doubles counted each. */
  readonly keys: number;
}

const QUOTE = 34;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Of UTF-8 text that need not be valid JSON: outside strings each colon is a key's. */
export function shapeOf(bytes: Uint8Array): JsonShape {
  let depth = 0;
  let deepest = 0;
  let keys = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) i = endOfString(bytes, i + 1);
    else if (byte === COLON) keys++;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) deepest = Math.max(deepest, ++depth);
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
  return { depth: deepest, keys };
}

/** Index of the closing quote. */
function endOfString(bytes: Uint8Array, from: number): number {
  let i = from;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

/** Counts the keys of a parsed value and shows each to `visit`. Fewer than in its text: some key was there twice. */
export function walkKeys(value: unknown, visit: (key: string) => void): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += walkKeys(item, visit);
    return count;
  }
  for (const key of Object.keys(value)) {
    visit(key);
    count += 1 + walkKeys((value as Record<string, unknown>)[key], visit);
  }
  return count;
}
