/** The report of a replayed day: a table and a picture of index, mark and liquidations. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Sample { readonly time: number; readonly index: number; readonly mark: number; readonly status: string }
export interface Liquidated { readonly time: number; readonly user: string; readonly side: string; readonly quantity: string; readonly markPrice: string; readonly bankruptcyPrice: string; readonly fundDelta: string; readonly fundAfter: string; readonly adl: boolean }

const WIDTH = 960;
const HEIGHT = 420;
const LEFT = 70;
const TOP = 40;
const BOTTOM = 50;

export function writeReport(directory: string, title: string, samples: readonly Sample[], liquidations: readonly Liquidated[], ledger: readonly Record<string, unknown>[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'report.md'), [
    `# ${title}`, '', `${samples.length} price samples, ${liquidations.length} liquidation steps.`, '', '![index, mark and liquidations](prices.svg)', '',
    '| user | side | quantity | mark | bankruptcy | fund change | fund after | ADL |', '|---|---|---|---|---|---|---|---|',
    ...liquidations.map((row) => `| ${row.user} | ${row.side} | ${row.quantity} | ${row.markPrice} | ${row.bankruptcyPrice} | ${row.fundDelta} | ${row.fundAfter} | ${row.adl ? 'yes' : 'no'} |`),
    '', '## Ledger at the end', '', ...table(ledger), '',
  ].join('\n'));
  writeFileSync(join(directory, 'prices.svg'), chart(title, samples, liquidations));
}

function table(rows: readonly Record<string, unknown>[]): string[] {
  const columns = Object.keys(rows[0] ?? {});
  return [`| ${columns.join(' | ')} |`, `|${columns.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${columns.map((column) => String(row[column])).join(' | ')} |`)];
}

function chart(title: string, samples: readonly Sample[], liquidations: readonly Liquidated[]): string {
  const prices = samples.flatMap((sample) => [sample.index, sample.mark]);
  const low = Math.min(...prices);
  const high = Math.max(...prices);
  const start = samples[0]?.time ?? 0;
  const span = Math.max(1, (samples.at(-1)?.time ?? 1) - start);
  const x = (time: number) => LEFT + ((WIDTH - LEFT - 20) * (time - start)) / span;
  const y = (price: number) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - price)) / Math.max(1e-9, high - low);
  const line = (pick: (sample: Sample) => number) => samples.map((sample) => `${x(sample.time).toFixed(1)},${y(pick(sample)).toFixed(1)}`).join(' ');
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const price = low + (high - low) * part;
    return `<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${y(price)}" y2="${y(price)}" stroke="#ddd"/><text x="${LEFT - 8}" y="${y(price) + 4}" text-anchor="end">${price.toFixed(0)}</text>`;
  });
  const marks = liquidations.map((row) => `<circle cx="${x(row.time).toFixed(1)}" cy="${y(Number(row.markPrice)).toFixed(1)}" r="6" fill="none" stroke="${row.side === 'long' ? '#c0392b' : '#1e8449'}" stroke-width="2"><title>${row.user} ${row.side} ${row.quantity}</title></circle>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/><text x="${LEFT}" y="22" font-size="15">${title}</text>
${grid.join('\n')}
<polyline fill="none" stroke="#7f8c8d" stroke-width="1" points="${line((sample) => sample.index)}"/>
<polyline fill="none" stroke="#2471a3" stroke-width="1.5" points="${line((sample) => sample.mark)}"/>
${marks.join('\n')}
<text x="${LEFT}" y="${HEIGHT - 16}">grey: index · blue: mark · circles: liquidations (red: of a long, green: of a short)</text>
</svg>
`;
}
