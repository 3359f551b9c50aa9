/** Decimal strings to scaled integers and back, exactly. The only place where money is text. Grammar: digits, optionally a point and digits; no sign, exponent or space. */

const GRAMMAR = /^(?:0|[1-9]\d{0,17})(?:\.(\d{1,18}))?$/;

/** '1.25' at scale 2 → 125. undefined: not a decimal, finer than the scale allows, or beyond 2^53 - 1. */
export function parseDecimal(text: string, scale: number): number | undefined {
  const match = GRAMMAR.exec(text);
  if (match === null) return undefined;
  const point = text.indexOf('.');
  if (point < 0) return scaled(text, scale, '');
  const fraction = trimZeros(text.slice(point + 1));
  return fraction.length > scale ? undefined : scaled(text.slice(0, point), scale, fraction);
}

function scaled(whole: string, scale: number, fraction: string): number | undefined {
  const digits = whole + fraction.padEnd(scale, '0');
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : undefined;
}

function trimZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end--;
  return digits.slice(0, end);
}

/** 125 at scale 2 → '1.25'; shortest form: '1', '0.5', '-3'. */
export function formatDecimal(value: number, scale: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
  if (value === 0) return '0';
  if (scale === 0) return String(value);
  const size = Math.abs(value);
  const one = 10 ** scale;
  const rest = size % one;
  // Exact: a multiple of `one`, divided by it.
  const whole = `${value < 0 ? '-' : ''}${(size - rest) / one}`;
  return rest === 0 ? whole : `${whole}.${trimZeros(String(rest).padStart(scale, '0'))}`;
}

/** '0.05' → { units: 5, scale: 2 }: the size of a tick or lot as integer units at its own scale. undefined when not a positive decimal. */
export function parseStep(text: string): { readonly units: number; readonly scale: number } | undefined {
  const match = GRAMMAR.exec(text);
  if (match === null) return undefined;
  const scale = trimZeros(match[1] ?? '').length;
  const units = parseDecimal(text, scale);
  return units === undefined || units === 0 ? undefined : { units, scale };
}
