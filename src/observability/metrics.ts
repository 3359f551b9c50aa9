/** Every metric of the process, in one place, with its unit. One object per process; tests make their own. */
import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { TallyCounter } from './counter.ts';

const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const COMMIT_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(options: { readonly processMetrics?: boolean } = {}) {
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry, prefix: 'bourse_' });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) => new TallyCounter({ name: `bourse_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) => new Gauge({ name: `bourse_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: readonly L[] = []) => new Histogram({ name: `bourse_${name}`, help, buckets, labelNames, registers });
  return {
    registry,
    httpSeconds: histogram('http_request_seconds', 'Time to answer a request, by route', HTTP_BUCKETS, ['method', 'route', 'status']),
    httpInFlight: gauge('http_requests_in_flight', 'Requests being answered'),
    errors: counter('errors_total', 'Refusals and faults by code', ['code']),
    rateLimited: counter('rate_limited_total', 'Requests, messages and connections refused by a limit', ['limit']),
    sockets: gauge('sockets', 'Open sockets by namespace', ['namespace']),
    socketMessages: counter('socket_messages_total', 'Messages sent to sockets', ['namespace', 'event']),
    socketDropped: counter('socket_conflated_total', 'Public messages conflated for slow consumers', ['namespace']),
    commands: counter('engine_commands_total', 'Commands executed, by type and outcome', ['type', 'outcome']),
    events: counter('engine_events_total', 'Events emitted'),
    engineSeq: gauge('engine_seq', 'Seq of the last event executed'),
    committedSeq: gauge('committed_seq', 'Seq of the last durable event'),
    queueDepth: gauge('sequencer_queue_depth', 'Commands executed and waiting for their commit'),
    commitSeconds: histogram('journal_commit_seconds', 'Time of one journal append, fsync included', COMMIT_BUCKETS),
    commitSize: histogram('journal_commit_records', 'Records in one journal append', [1, 2, 5, 10, 25, 50, 100, 250, 1000]),
    snapshotSeconds: histogram('snapshot_seconds', 'Time to make a snapshot', [0.01, 0.1, 0.5, 1, 5, 30]),
    openOrders: gauge('open_orders', 'Orders standing in the books'),
    accounts: gauge('accounts', 'Engine accounts'),
    projectionLag: gauge('projection_lag_events', 'Committed events not yet in the collections'),
    projectionSeconds: histogram('projection_batch_seconds', 'Time to project one batch', COMMIT_BUCKETS),
    storeSeconds: histogram('store_query_seconds', 'Time of one query to the store, by collection and operation', COMMIT_BUCKETS, ['collection', 'operation']),
    feedHealthy: gauge('feed_healthy', '1 when the source counts towards the index', ['source', 'symbol']),
    feedReliability: gauge('feed_reliability', 'Reliability score of a source, 0 to 1', ['source']),
    feedTicks: counter('feed_ticks_total', 'Ticks received by source', ['source']),
    feedRejected: counter('feed_ticks_rejected_total', 'Ticks rejected, by source and reason', ['source', 'reason']),
    feedCircuit: gauge('feed_circuit_open', '1 when the circuit breaker of a source is open', ['source']),
    marketSafety: gauge('market_safety', '0 normal, 1 reduce_only, 2 halted', ['symbol']),
    cacheHits: counter('cache_hits_total', 'Look-ups answered by a cache', ['cache']),
    cacheMisses: counter('cache_misses_total', 'Look-ups a cache could not answer', ['cache']),
    trades: counter('trades_total', 'Trades by market', ['symbol']),
    volume: counter('trade_volume_quote_total', 'Traded notional in quote units, by market', ['symbol']),
    liquidations: counter('liquidations_total', 'Liquidation steps by market', ['symbol']),
    ledgerImbalance: gauge('ledger_imbalance', 'Sum over all ledger accounts in minor units; anything but 0 is an alarm', ['asset']),
  };
}
