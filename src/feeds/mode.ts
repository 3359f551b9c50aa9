/** The grammar of FEEDS: where prices come from. Pure; says what is wrong and what would be right. */

export interface ReplayMode {
  readonly mode: 'replay';
  readonly directory: string;
  /** Times real speed. */
  readonly speed: number;
  /** Only recordings of these days, `YYYY-MM-DD`; absent = all, one after the other. */
  readonly days?: readonly string[];
  /** Only this part of each day, ms since midnight UTC. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only these kinds of files. */
  readonly kinds?: readonly RecordingKind[];
  /** Begins again at the end; otherwise the prices end there and the markets move to their safe state. */
  readonly loop?: boolean;
}

export type FeedsMode =
  | { readonly mode: 'auto' | 'live' | 'manual' }
  | { readonly mode: 'simulated'; readonly seed: number }
  | ReplayMode;

export const RECORDING_KINDS = ['klines', 'quotes', 'prices', 'trades', 'depth', 'wire'] as const;
export type RecordingKind = (typeof RECORDING_KINDS)[number];

/** FEEDS asks for something that there is not. */
export class FeedsModeError extends Error {
  override readonly name = 'FeedsModeError';
}

const MAX_SPEED = 100_000;
const DAY_MS = 86_400_000;
const HELP = 'one of auto, live, manual, simulated[:seed], replay:<dir>[?day=YYYY-MM-DD&from=HH:MM&to=HH:MM&only=klines,quotes&loop=1][@speed]';

/** Throws FeedsModeError. `replay:../data?day=2022-12-13&from=13:00@60` plays that day from 13:00 at 60 times real speed. */
export function parseFeeds(text: string): FeedsMode {
  const colon = text.indexOf(':');
  const [mode, rest] = colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
  if ((mode === 'auto' || mode === 'live' || mode === 'manual') && rest === undefined) return { mode };
  if (mode === 'simulated') return { mode, seed: seedOf(rest ?? '1') };
  if (mode === 'replay') return replay(rest ?? '');
  throw new FeedsModeError(`${JSON.stringify(text.slice(0, 64))} is not ${HELP}`);
}

function seedOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new FeedsModeError(`the seed of simulated must be a whole number below 1,000,000,000, not ${JSON.stringify(text.slice(0, 20))}`);
  return Number(text);
}

function replay(rest: string): ReplayMode {
  const at = rest.lastIndexOf('@');
  const isSpeed = at >= 0 && !rest.slice(at + 1).includes('/');
  const speed = isSpeed ? speedOf(rest.slice(at + 1)) : 1;
  const path = isSpeed ? rest.slice(0, at) : rest;
  const mark = path.indexOf('?');
  const directory = mark < 0 ? path : path.slice(0, mark);
  if (directory === '') throw new FeedsModeError('replay needs a directory: replay:<dir>[@speed]');
  return { mode: 'replay', directory, speed, ...(mark < 0 ? {} : replayOptions(new URLSearchParams(path.slice(mark + 1)))) };
}

function speedOf(text: string): number {
  const speed = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (speed <= 0 || speed > MAX_SPEED) throw new FeedsModeError(`the speed of replay must be a number above 0 and up to ${MAX_SPEED}, not ${JSON.stringify(text.slice(0, 20))}`);
  return speed;
}

function replayOptions(params: URLSearchParams): Partial<ReplayMode> {
  const options: { -readonly [K in keyof ReplayMode]?: ReplayMode[K] } = {};
  for (const [name, value] of params) {
    switch (name) {
      case 'day': options.days = value.split(',').map(dayOf); break;
      case 'from': options.fromMs = timeOf(name, value); break;
      case 'to': options.toMs = timeOf(name, value); break;
      case 'only': options.kinds = value.split(',').map(kindOf); break;
      case 'loop': options.loop = loopOf(value); break;
      default: throw new FeedsModeError(`replay knows no option ${JSON.stringify(name.slice(0, 20))}: day, from, to, only and loop`);
    }
  }
  if ((options.fromMs ?? 0) >= (options.toMs ?? DAY_MS)) throw new FeedsModeError('from must be before to');
  return options;
}

function dayOf(text: string): string {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : NaN;
  // V8 takes February 30 for March 2.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(text)) throw new FeedsModeError(`day must be a day like 2022-12-13, not ${JSON.stringify(text.slice(0, 20))}`);
  return text;
}

function timeOf(name: string, text: string): number {
  const match = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  const ms = match === null ? NaN : (Number(match[1]) * 60 + Number(match[2])) * 60_000;
  if (!(ms <= DAY_MS)) throw new FeedsModeError(`${name} must be a time of day like 13:30, not ${JSON.stringify(text.slice(0, 20))}`);
  return ms;
}

function kindOf(text: string): RecordingKind {
  const kind = RECORDING_KINDS.find((known) => known === text);
  if (kind === undefined) throw new FeedsModeError(`only must name some of ${RECORDING_KINDS.join(', ')}, not ${JSON.stringify(text.slice(0, 20))}`);
  return kind;
}

function loopOf(text: string): boolean {
  if (text !== '0' && text !== '1') throw new FeedsModeError('loop must be 0 or 1');
  return text === '1';
}
