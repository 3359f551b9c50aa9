/** Every metric of the process, in one place, with its unit. One object per process; tests make their own. */
import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { VERSION } from '../utils/version.ts';
import { TallyCounter } from './counter.ts';
import { ScrapedGauge } from './scraped-gauge.ts';

const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const COMMIT_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5];

/** The library's, for which Prometheus would take each as a counter by its name; the same by type are there as well. */
const NO_COUNTERS = ['bourse_nodejs_active_handles_total', 'bourse_nodejs_active_requests_total', 'bourse_nodejs_active_resources_total'];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(options: { readonly processMetrics?: boolean } = {}) {
  const registry = new Registry();
  if (options.processMetrics === true) {
    collectDefaultMetrics({ register: registry, prefix: 'bourse_' });
    for (const name of NO_COUNTERS) registry.removeSingleMetric(name);
  }
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) => new TallyCounter({ name: `bourse_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) => new Gauge({ name: `bourse_${name}`, help, labelNames, registers });
  const scraped = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) => new ScrapedGauge({ name: `bourse_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: readonly L[] = []) => new Histogram({ name: `bourse_${name}`, help, buckets, labelNames, registers });
  const errors = counter('errors_total', 'Refusals and faults by code', ['code']);
  // A series that begins with the first fault has no increase that an alert could see.
  errors.inc({ code: 'INTERNAL' }, 0);
  const backupFailures = counter('backup_failures_total', 'Automated backups that came to nothing; each is tried again');
  backupFailures.inc(0);
  gauge('build_info', 'Always 1; which version runs, on which version of Node', ['version', 'node']).set({ version: VERSION, node: process.version }, 1);
  return {
    registry,
    clockBehind: gauge('clock_behind_seconds', 'How far the wall clock is behind the clock of the process, which never goes back'),
    clockJumps: counter('clock_jumps_total', 'Jumps of the wall clock by a second and more', ['direction']),
    ready: gauge('ready', '1 while requests may be sent here'),
    dependencyUp: gauge('dependency_up', '1 when the last look at what the process needs was well', ['dependency']),
    threadActive: counter('thread_active_seconds_total', 'Time in which a thread had something to do; one that gains a second each second has none left', ['thread']),
    threadHeap: gauge('thread_heap_bytes', 'Memory in use in the JavaScript heap of a thread', ['thread']),
    diskFree: gauge('disk_free_bytes', 'Free space for the data directory'),
    httpSeconds: histogram('http_request_seconds', 'Time to answer a request, by route', HTTP_BUCKETS, ['method', 'route', 'status']),
    httpInFlight: gauge('http_requests_in_flight', 'Requests being answered'),
    errors,
    rateLimited: counter('rate_limited_total', 'Requests, messages and connections refused by a limit', ['limit']),
    sockets: gauge('sockets', 'Open sockets by namespace', ['namespace']),
    socketMessages: counter('socket_messages_total', 'Messages sent to sockets', ['namespace', 'event']),
    socketDropped: counter('socket_conflated_total', 'Public messages conflated for slow consumers', ['namespace']),
    socketStalled: counter('sockets_stalled_total', 'Sockets closed because their clients did not read', ['namespace']),
    commands: counter('engine_commands_total', 'Commands executed, by type and outcome', ['type', 'outcome']),
    events: counter('engine_events_total', 'Events emitted'),
    engineSeq: gauge('engine_seq', 'Seq of the last event executed'),
    committedSeq: gauge('committed_seq', 'Seq of the last durable event'),
    idsDroppedEarly: gauge('ids_dropped_early', 'Ids of commands forgotten before their 24 hours were over, since the journal began: their repeats are not known any more'),
    queueDepth: gauge('sequencer_queue_depth', 'Commands executed and waiting for their commit'),
    commitSeconds: histogram('journal_commit_seconds', 'Time of one journal append, fsync included', COMMIT_BUCKETS),
    commitSize: histogram('journal_commit_records', 'Records in one journal append', [1, 2, 5, 10, 25, 50, 100, 250, 1000]),
    snapshotSeconds: histogram('snapshot_seconds', 'Time to make a snapshot', [0.01, 0.1, 0.5, 1, 5, 30]),
    openOrders: scraped('open_orders', 'Orders standing in the books'),
    accounts: scraped('accounts', 'Engine accounts'),
    projectionLag: gauge('projection_lag_events', 'Committed events not yet in the collections'),
    projectionSeconds: histogram('projection_batch_seconds', 'Time to project one batch', COMMIT_BUCKETS),
    storeSeconds: histogram('store_query_seconds', 'Time of one query to the store, by collection and operation', COMMIT_BUCKETS, ['collection', 'operation']),
    feedHealthy: gauge('feed_healthy', '1 when the source counts towards the index', ['source', 'symbol']),
    feedReliability: gauge('feed_reliability', 'Reliability score of a source, 0 to 1', ['source']),
    feedClockOffset: gauge('feed_clock_offset_seconds', 'How far the clock of the process is ahead of that of a source, the way of a message included', ['source']),
    feedTicks: counter('feed_ticks_total', 'Ticks received by source', ['source']),
    feedRejected: counter('feed_ticks_rejected_total', 'Ticks rejected, by source and reason', ['source', 'reason']),
    feedFaults: counter('feed_faults_total', 'Messages, recorded lines and connections of a source that could not be used', ['source']),
    feedCircuit: gauge('feed_circuit_open', '1 when the circuit breaker of a source is open', ['source']),
    indexAge: scraped('index_age_seconds', 'How long ago the index of a market was set or confirmed', ['symbol']),
    marketSafety: gauge('market_safety', '0 normal, 1 reduce_only, 2 halted', ['symbol']),
    cacheHits: counter('cache_hits_total', 'Look-ups answered by a cache', ['cache']),
    cacheMisses: counter('cache_misses_total', 'Look-ups a cache could not answer', ['cache']),
    trades: counter('trades_total', 'Trades by market', ['symbol']),
    volume: counter('trade_volume_quote_total', 'Traded notional in quote units, by market', ['symbol']),
    liquidations: counter('liquidations_total', 'Liquidation steps by market', ['symbol']),
    openInterest: scraped('open_interest_quote', 'Notional held long (= short) at the mark, in quote units, by perpetual and its quote', ['symbol', 'asset']),
    insuranceFund: scraped('insurance_fund', 'What the insurance fund holds, in units of the asset', ['asset']),
    backupEvery: gauge('backup_interval_seconds', 'Time from one automated backup to the next; 0: there are none'),
    backupLast: gauge('backup_last_success_timestamp_seconds', 'When the newest automated backup that is complete was begun; 0: there is none'),
    backupSeconds: gauge('backup_duration_seconds', 'How long the last automated backup took'),
    backupSize: gauge('backup_size_bytes', 'What the last automated backup takes up'),
    backupFailures,
    auditFailures: counter('audit_failures_total', 'Entries that could not be written into the audit log'),
    ledgerImbalance: gauge('ledger_imbalance', 'Sum over all ledger accounts in minor units; anything but 0 is an alarm', ['asset']),
  };
}
