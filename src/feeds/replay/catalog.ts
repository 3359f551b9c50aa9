/** Which recordings a directory holds, from the names of its files: kind, day, venue, instrument. Opens none of them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { concatenated } from '../symbols.ts';
import { FeedsModeError, RECORDING_KINDS, type RecordingKind, type ReplayMode } from '../mode.ts';
import { instrument, type Instrument } from '../source.ts';

export interface Recording {
  readonly path: string;
  readonly kind: RecordingKind;
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Venue. */
  readonly source: string;
  /** The one instrument it is about; undefined: several, named inside. */
  readonly instrument: Instrument | undefined;
  /** The venue's symbol of that instrument. */
  readonly symbol: string | undefined;
  /** Length of a bar, ms; 0 for single observations. */
  readonly barMs: number;
}

export interface Playlist {
  /** Days in order, each with its files. */
  readonly days: readonly { readonly day: string; readonly recordings: readonly Recording[] }[];
  /** Paths that are not played, and why. */
  readonly left: readonly { readonly path: string; readonly reason: string }[];
}

/** Files that one directory may hold. */
const MAX_FILES = 10_000;
/** Files that are played beside each other: a chunk of each is held, some 100 KiB. */
const MAX_FILES_A_DAY = 1_000;
const MAX_NAMED = 10;
const BARS: Readonly<Record<string, number>> = { '1m': 60_000, '1s': 1_000 };

/** Reads `<dir>/{klines,quotes,prices,trades,depth}/…` and `<dir>/wire/<venue>/…`. Throws FeedsModeError when the directory cannot be read or holds nothing to play. */
export async function readPlaylist(mode: ReplayMode): Promise<Playlist> {
  const left: { path: string; reason: string }[] = [];
  const found: Recording[] = [];
  for (const path of await filesOf(mode.directory)) {
    const recording = recordingOf(mode.directory, path);
    if (recording === undefined) {
      left.push({ path, reason: 'its name is not of a recording with a day' });
    } else if (mode.kinds !== undefined && !mode.kinds.includes(recording.kind)) {
      left.push({ path, reason: 'not among the kinds asked for' });
    } else if (mode.days !== undefined && !mode.days.includes(recording.day)) {
      left.push({ path, reason: 'not of the days asked for' });
    } else found.push(recording);
  }
  const played = found.filter((recording) => {
    const derived = isDerived(recording, found);
    if (derived) left.push({ path: recording.path, reason: 'derived from a wire capture that is played' });
    return !derived;
  });
  if (played.length === 0) throw new FeedsModeError(`there is nothing to replay in ${mode.directory}${whatIsThere(mode, left)}`);
  const days = [...new Set(played.map(({ day }) => day))].sort().map((day) => ({ day, recordings: played.filter((recording) => recording.day === day) }));
  const full = days.find(({ recordings }) => recordings.length > MAX_FILES_A_DAY);
  if (full !== undefined) throw new FeedsModeError(`${mode.directory} holds ${full.recordings.length} files of ${full.day}, more than the ${MAX_FILES_A_DAY} that are played beside each other; choose some of them with only=`);
  return { days, left };
}

/** What one might have meant. */
function whatIsThere({ directory, days, kinds }: ReplayMode, left: readonly { readonly path: string }[]): string {
  const there = left.flatMap(({ path }) => recordingOf(directory, path) ?? []);
  if (there.length === 0) return ': no file has a name like klines/2022-12-13-btcusdt-binance-1m.csv.gz';
  const asked = [...(days ?? []), ...(kinds ?? [])].join(', ');
  return ` for ${asked}: it holds ${listOf(there.map(({ kind }) => kind))} of ${listOf(there.map(({ day }) => day))}`;
}

function listOf(names: readonly string[]): string {
  const all = [...new Set(names)].sort();
  return all.length <= MAX_NAMED ? all.join(', ') : `${all.slice(0, MAX_NAMED).join(', ')} and ${all.length - MAX_NAMED} more`;
}

async function filesOf(directory: string): Promise<string[]> {
  let entries;
  try {
    entries = await readdir(directory, { recursive: true, withFileTypes: true });
  } catch (error) {
    throw new FeedsModeError(`the directory to replay cannot be read: ${directory} (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  const files = entries.filter((entry) => entry.isFile() && /\.(?:csv|jsonl)(?:\.gz)?$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
  if (files.length > MAX_FILES) throw new FeedsModeError(`${directory} holds ${files.length} files, more than the ${MAX_FILES} that are replayed`);
  return files.sort();
}

/** undefined: the name says too little. */
export function recordingOf(directory: string, path: string): Recording | undefined {
  const [kind, ...rest] = path.slice(join(directory, '/').length).split(/[\\/]/);
  if (!RECORDING_KINDS.some((known) => known === kind)) return undefined;
  return kind === 'wire' ? wireRecording(path, rest) : seriesRecording(path, kind as RecordingKind, rest);
}

/** `<venue>/<day>-<stream>.jsonl.gz`; the stream is a symbol, or several words for several instruments. */
function wireRecording(path: string, [source, name]: readonly string[]): Recording | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})-([a-z0-9_-]+)\.jsonl(?:\.gz)?$/.exec(name ?? '');
  if (match === null) return undefined;
  const symbol = match[2] === 'multi' || match[2].includes('-') ? undefined : match[2];
  return { path, kind: 'wire', day: match[1], source, instrument: undefined, symbol, barMs: 0 };
}

/** `<day>-<symbol>-<venue>[-1m|-1s].csv.gz` and, for depth, `.jsonl.gz`. */
function seriesRecording(path: string, kind: RecordingKind, [name]: readonly string[]): Recording | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})-([a-z0-9]+)(_perp)?-([a-z0-9_]+?)(?:-(1m|1s))?\.(?:csv|jsonl)(?:\.gz)?$/.exec(name ?? '');
  if (match === null) return undefined;
  const [, day, symbol, perpetual, source, bar] = match;
  const kindOfInstrument = perpetual === undefined ? 'spot' : 'perpetual';
  // Bar files hold binance's BUSD pairs; a bare asset (`btc_perp`) is quoted in US dollars.
  const of = concatenated(symbol, kindOfInstrument, ['BUSD', 'USDT', 'USDC', 'USD', 'JPY', 'EUR', 'GBP', 'BTC', 'ETH']) ?? instrument(symbol.toUpperCase(), 'USD', kindOfInstrument);
  return { path, kind, day, source, instrument: of, symbol: symbol.toUpperCase(), barMs: BARS[bar ?? ''] ?? 0 };
}

/** Trades and depth that were taken out of a wire capture must not be played beside it: the same price would count twice, at two times. */
function isDerived(recording: Recording, all: readonly Recording[]): boolean {
  if (recording.kind !== 'trades' && recording.kind !== 'depth') return false;
  return all.some(({ kind, day, source, symbol }) =>
    kind === 'wire' && day === recording.day && source === recording.source && symbol?.replace(/_perp$/, '').toUpperCase() === recording.symbol);
}
