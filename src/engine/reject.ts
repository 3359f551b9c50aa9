/** The reasons for which the engine refuses a command. One list, in the order of the stages that check them. A refusal changes nothing. */
export const REJECT_CODES = [
  // the command itself
  'VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'DUPLICATE_CLIENT_ORDER_ID', 'UNKNOWN_SYMBOL',
  // the market
  'MARKET_HALTED', 'INVALID_TICK', 'INVALID_LOT', 'MIN_NOTIONAL', 'PRICE_OUT_OF_BAND',
  // the order
  'ORDER_NOT_OPEN', 'QUANTITY_BELOW_FILLED', 'REDUCE_ONLY_WOULD_INCREASE', 'MAX_OPEN_ORDERS', 'LEVERAGE_TOO_HIGH', 'MAX_POSITION', 'RISK_REJECTED',
  // the money
  'INSUFFICIENT_BALANCE', 'INSUFFICIENT_MARGIN',
  // the book
  'POST_ONLY_WOULD_TAKE', 'FOK_NOT_FILLABLE', 'NO_LIQUIDITY',
] as const;
export type RejectCode = (typeof REJECT_CODES)[number];

export interface Reject {
  readonly ok: false;
  readonly code: RejectCode;
  /** One sentence for the person who sent it: what was wrong and what would be right. */
  readonly detail: string;
}

export function reject(code: RejectCode, detail: string): Reject {
  return { ok: false, code, detail };
}
