/** Lines of recorded files to observations, each with the time at which it was received. One decoder per kind of file; wire and depth go through the venues' normalisers. */
import { NORMALISERS } from '../normalisers/index.ts';
import { positive, type Figures } from '../normalisers/figures.ts';
import { makeTick, type Normaliser, type WireMessage } from '../normalisers/normaliser.ts';
import type { Tick } from '../source.ts';
import type { Recording } from './catalog.ts';

/** Something received at a time. `ticks` is called once, in order of time. */
export interface Observed {
  readonly timeMs: number;
  readonly ticks: () => readonly Tick[];
}

/** Observations of one line, oldest first; empty for a header. Throws on a line that is not of its kind. */
export type Decoder = (line: string) => readonly Observed[];

export function decoderOf(recording: Recording): Decoder {
  switch (recording.kind) {
    case 'klines': return klines(recording);
    case 'quotes': return recording.barMs === 60_000 ? quoteBars(recording) : quotes(recording);
    case 'prices':
    case 'trades': return prices(recording);
    case 'depth': return depth(recording);
    case 'wire': return wire(recording);
  }
}

function observed({ source, instrument }: Recording, timeMs: number, figures: Figures): Observed {
  if (instrument === undefined) throw new Error('a table of prices is about one instrument');
  return { timeMs, ticks: () => (Object.values(figures).some((value) => value !== undefined) ? [makeTick(source, instrument, timeMs, figures)] : []) };
}

/** Cells of a row, the first one a time; undefined for the header. */
function row(line: string): readonly [number, readonly string[]] | undefined {
  const cells = line.split(',');
  if (!/^\d/.test(cells[0])) return undefined;
  const timeMs = Number(cells[0]);
  if (!Number.isSafeInteger(timeMs)) throw new RangeError(`not a time: ${cells[0].slice(0, 40)}`);
  return [timeMs, cells];
}

/** Where in a bar its four prices are placed: the order of the extremes follows the direction, as charting packages assume. */
const BAR_STEPS = [0, 1 / 3, 2 / 3, 59 / 60];

function klines(recording: Recording): Decoder {
  return (line) => {
    const parsed = row(line);
    if (parsed === undefined) return [];
    const [timeMs, cells] = parsed;
    // A bar without trades repeats an old price.
    if (cells[5] !== '' && Number(cells[5]) === 0) return [];
    const [open, high, low, close] = [1, 2, 3, 4].map((at) => positive(cells[at]));
    const path = (close ?? 0) >= (open ?? 0) ? [open, low, high, close] : [open, high, low, close];
    return path.map((last, at) => observed(recording, timeMs + Math.round(BAR_STEPS[at] * recording.barMs), { last }));
  };
}

function quoteBars(recording: Recording): Decoder {
  return (line) => {
    const parsed = row(line);
    if (parsed === undefined) return [];
    const [timeMs, cells] = parsed;
    const figure = (at: number) => positive(cells[at]);
    const bid = { open: figure(1), high: figure(2), low: figure(3), close: figure(4) };
    const ask = { open: figure(6), high: figure(7), low: figure(8), close: figure(9) };
    const rising = (bid.close ?? 0) >= (bid.open ?? 0);
    const path = rising ? (['open', 'low', 'high', 'close'] as const) : (['open', 'high', 'low', 'close'] as const);
    return path.map((name, at) => {
      // The sizes are those at the end of the bar.
      const sizes = name === 'close' ? { bidSize: figure(5), askSize: figure(10) } : {};
      return observed(recording, timeMs + Math.round(BAR_STEPS[at] * recording.barMs), { bid: bid[name], ask: ask[name], ...sizes });
    });
  };
}

function quotes(recording: Recording): Decoder {
  return (line) => {
    const parsed = row(line);
    if (parsed === undefined) return [];
    const [timeMs, cells] = parsed;
    const [bid, bidSize, ask, askSize] = [1, 2, 3, 4].map((at) => positive(cells[at]));
    return [observed(recording, timeMs, { bid, bidSize, ask, askSize })];
  };
}

function prices(recording: Recording): Decoder {
  return (line) => {
    const parsed = row(line);
    return parsed === undefined ? [] : [observed(recording, parsed[0], { last: positive(parsed[1][1]) })];
  };
}

function normaliserOf({ source, symbol }: Recording): Normaliser {
  const factory = NORMALISERS[source];
  if (factory === undefined) throw new Error(`there is no normaliser for ${source}`);
  return factory({ source, ...(symbol === undefined ? {} : { symbol }) });
}

interface WireLine {
  readonly recvTimeUs: number | null;
  readonly dir: WireMessage['direction'];
  readonly raw: string;
  readonly url?: string;
  readonly enc?: 'base64';
}

function wire(recording: Recording): Decoder {
  const normaliser = normaliserOf(recording);
  return (line) => {
    const { recvTimeUs, dir, raw, url, enc } = JSON.parse(line) as WireLine;
    if (typeof recvTimeUs !== 'number') throw new RangeError('a message without a time of receipt');
    const receivedTimeMs = recvTimeUs / 1000;
    const message: WireMessage = { text: raw, direction: dir, url, encoding: enc, receivedTimeMs };
    return [{ timeMs: receivedTimeMs, ticks: () => normaliser.read(message) }];
  };
}

interface DepthLine {
  readonly recvTimeUs?: number;
  readonly timeMs?: number;
  readonly ts?: number;
  readonly topic?: string;
  readonly type: 'snapshot' | 'diff' | 'delta';
  readonly firstId?: number;
  readonly lastId?: number;
  readonly bids?: unknown;
  readonly asks?: unknown;
}

/** A venue's own archive lines are played as they are; our lines are put back into Binance's form. */
function depth(recording: Recording): Decoder {
  const normaliser = normaliserOf(recording);
  return (line) => {
    const body = JSON.parse(line) as DepthLine;
    const receivedTimeMs = body.recvTimeUs === undefined ? (body.ts ?? body.timeMs) : body.recvTimeUs / 1000;
    if (receivedTimeMs === undefined) throw new RangeError('a book message without a time');
    const message: WireMessage = { text: body.topic === undefined ? binanceText(body, recording.symbol) : line, direction: 'in', receivedTimeMs };
    return [{ timeMs: receivedTimeMs, ticks: () => normaliser.read(message) }];
  };
}

function binanceText({ type, firstId, lastId, timeMs, bids, asks }: DepthLine, symbol: string | undefined): string {
  return JSON.stringify(type === 'snapshot'
    ? { lastUpdateId: lastId, symbol, bids, asks }
    : { e: 'depthUpdate', E: timeMs, s: symbol, U: firstId, u: lastId, b: bids, a: asks });
}
