/** The current engine behind one lasting object: after a rebuild its holders read the new engine without being told. Decides nothing. */
import type { EngineReader } from '../engine/reader.ts';

/** `current` is asked on every read. */
export function currentState(current: () => EngineReader): EngineReader {
  return {
    get seq() { return current().seq; },
    get time() { return current().time; },
    get assets() { return current().assets; },
    get markets() { return current().markets; },
    get accountCount() { return current().accountCount; },
    get openOrderCount() { return current().openOrderCount; },
    asset: (code) => current().asset(code),
    market: (symbol) => current().market(symbol),
    accountOf: (userId) => current().accountOf(userId),
    userOf: (account) => current().userOf(account),
    kindOf: (account) => current().kindOf(account),
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
    nextTimer: () => current().nextTimer(),
    stateHash: () => current().stateHash(),
  };
}
