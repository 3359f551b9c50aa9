/** The engine's words for why an order has ended, for those who know shapes and not the engine: models and validators. */
export { CLOSE_REASONS, type CloseReason } from '../engine/events.ts';
