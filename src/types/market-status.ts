/** The engine's words for what a market takes, for those who know shapes and not the engine: models and validators. */
export { MARKET_STATUSES, SAFETIES, type MarketStatus } from '../engine/market.ts';
