/** The current engine behind one lasting object: after a rebuild its holders read the new engine without being told. Decides nothing. */
import type { EngineReader } from '../engine/reader.ts';

/**
 * `current` is asked on every read; `listed` on those of assets, markets and accounts, which orders do not change.
 */
export function currentState(current: () => EngineReader, listed: () => EngineReader): EngineReader {
  return {
    get seq() { return current().seq; },
    get time() { return current().time; },
    get assets() { return listed().assets; },
    get markets() { return listed().markets; },
    get accountCount() { return listed().accountCount; },
    get openOrderCount() { return current().openOrderCount; },
    asset: (code) => listed().asset(code),
    market: (symbol) => listed().market(symbol),
    accountOf: (userId) => listed().accountOf(userId),
    userOf: (account) => listed().userOf(account),
    kindOf: (account) => listed().kindOf(account),
    balance: (account, asset) => current().balance(account, asset),
    balances: (account) => current().balances(account),
    order: (id) => current().order(id),
    orderByClientId: (account, clientOrderId) => current().orderByClientId(account, clientOrderId),
    openOrders: (account, market) => current().openOrders(account, market),
    position: (account, market) => current().position(account, market),
    positions: (account) => current().positions(account),
    leverage: (account, market) => current().leverage(account, market),
    prices: (market) => current().prices(market),
    depth: (market, levels) => current().depth(market, levels),
    audit: () => current().audit(),
    beginAudit: () => current().beginAudit(),
    nextTimer: () => current().nextTimer(),
    stateHash: () => current().stateHash(),
  };
}
