/** What scripts that recover a state say of it, and of what is odd on the way there. */
import { formatDecimal } from '../src/engine/decimal.ts';
import type { EngineReader } from '../src/engine/reader.ts';
import type { Millis } from '../src/engine/units.ts';
import type { LogFields, Logger } from '../src/observability/logger.ts';

const say = (message: string, fields?: LogFields): void => console.error(message, fields ?? '');

/** To standard error, so that results can be piped. */
export const logger: Logger = { error: say, warn: say, info: say, debug: () => {}, child: () => logger };

/** Event, time and hash; what it holds; the audit of each asset. `time`: of the last record, 0 = none. */
export function stateLines(engine: EngineReader, time: Millis): string[] {
  return [
    `state       event ${engine.seq}, ${time === 0 ? 'no time' : new Date(time).toISOString()}, hash ${engine.stateHash()}`,
    `holds       ${engine.accountCount} accounts, ${engine.markets.length} markets, ${engine.openOrderCount} open orders`,
    ...engine.audit().map((row) => {
      const { code, scale } = engine.assets[row.asset]!;
      const parts = (['external', 'users', 'locked', 'margin', 'fees', 'insurance'] as const).map((part) => `${part} ${formatDecimal(row[part], scale)}`);
      return `${code.padEnd(11)} sum ${formatDecimal(row.sum, scale)}: ${parts.join(', ')}`;
    }),
  ];
}
