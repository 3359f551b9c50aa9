/** Whether the process can serve: a list of checks, each with a deadline. What is required decides readiness, the rest informs. */
import { statfs } from 'node:fs/promises';
import type { Store } from '../models/collection.ts';
import { StoreDamagedError } from '../models/errors.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Sequencer } from '../sequencer/sequencer.ts';

interface CheckResult {
  readonly ok: boolean;
  /** One sentence; says what is wrong when it is not ok. */
  readonly detail: string;
}

export interface HealthCheck {
  readonly name: string;
  /** Whether the process is not ready without it. */
  readonly required: boolean;
  check(): CheckResult | Promise<CheckResult>;
}

export interface Dependency extends CheckResult {
  readonly name: string;
  readonly required: boolean;
  readonly ms: number;
}

export interface Readiness {
  readonly ready: boolean;
  /** `name: detail` of each required check that failed. */
  readonly reasons: readonly string[];
}

const TIMEOUT_MS = 2_000;
/** So long results are used again, so that probing cannot be made into load. */
const FRESH_MS = 500;

export class HealthService {
  readonly #checks: readonly HealthCheck[];
  readonly #metrics: Pick<Metrics, 'ready' | 'dependencyUp'>;
  #stopping = false;
  #last: { readonly at: number; readonly result: Promise<Dependency[]> } | undefined;

  constructor(checks: readonly HealthCheck[], metrics: Pick<Metrics, 'ready' | 'dependencyUp'>) {
    this.#checks = checks;
    this.#metrics = metrics;
  }

  /** From now on the process is not ready, so that nobody sends it more. */
  stop(): void {
    this.#stopping = true;
  }

  dependencies(): Promise<Dependency[]> {
    const now = performance.now();
    if (this.#last === undefined || now - this.#last.at > FRESH_MS) this.#last = { at: now, result: this.#look() };
    return this.#last.result;
  }

  /** Sets the metrics too: whoever reads them asks this first. */
  async readiness(): Promise<Readiness> {
    const reasons = this.#stopping ? ['process: it is stopping'] : (await this.dependencies()).filter(({ ok, required }) => required && !ok).map(({ name, detail }) => `${name}: ${detail}`);
    this.#metrics.ready.set(reasons.length === 0 ? 1 : 0);
    return { ready: reasons.length === 0, reasons };
  }

  async #look(): Promise<Dependency[]> {
    const found = await Promise.all(this.#checks.map(run));
    for (const { name, ok } of found) this.#metrics.dependencyUp.set({ dependency: name }, ok ? 1 : 0);
    return found;
  }
}

export function engineCheck(sequencer: Pick<Sequencer, 'status'>): HealthCheck {
  return {
    name: 'engine',
    required: true,
    check() {
      const { state, reason } = sequencer.status;
      // What an engine that broke said may name accounts and balances, so it stays in the log.
      const detail = state === 'stopped' ? 'stopped; the log says why' : reason === undefined ? state : `${state}: ${reason}`;
      return { ok: state === 'leading', detail };
    },
  };
}

export function storeCheck(store: Pick<Store, 'ping'>): HealthCheck {
  return {
    name: 'store',
    required: true,
    async check() {
      try {
        await store.ping();
      } catch (error) {
        // The message names paths.
        if (error instanceof StoreDamagedError) return { ok: false, detail: 'damaged; the log says where, and what to do' };
        throw error;
      }
      return { ok: true, detail: 'it answers' };
    },
  };
}

/** What is asked of the projector. */
export interface ProjectionHealth {
  /** Committed events not yet in the collections. */
  readonly lag: number;
  readonly status: { readonly state: string; readonly reason?: string };
}

export function projectionsCheck(projections: ProjectionHealth, mostLag: number): HealthCheck {
  return {
    name: 'projections',
    required: true,
    check() {
      const { lag, status } = projections;
      if (status.state !== 'running') return { ok: false, detail: status.reason === undefined ? status.state : `${status.state}: ${status.reason}` };
      return { ok: lag <= mostLag, detail: `${lag} events behind` };
    },
  };
}

/** Informs only: without prices markets are in their safe state, and everything else goes on. */
export function feedsCheck(feed: { health(): { readonly status: 'ok' | 'degraded'; readonly detail: string } }): HealthCheck {
  return {
    name: 'feeds',
    required: false,
    check() {
      const { status, detail } = feed.health();
      return { ok: status === 'ok', detail };
    },
  };
}

/** @param minFree Bytes. */
export function diskCheck(directory: string, minFree: number, metrics: Pick<Metrics, 'diskFree'>): HealthCheck {
  return {
    name: 'disk',
    required: true,
    async check() {
      const { bavail, bsize } = await statfs(directory);
      const free = bavail * bsize;
      metrics.diskFree.set(free);
      const mebibytes = Math.floor(free / 1_048_576);
      return { ok: free >= minFree, detail: `${mebibytes} MiB free` };
    },
  };
}

async function run(check: HealthCheck): Promise<Dependency> {
  const start = performance.now();
  const result = await resultOf(check);
  return { name: check.name, required: check.required, ok: result.ok, detail: result.detail, ms: Math.round(performance.now() - start) };
}

/** A check that throws or takes too long has failed. What it threw may name paths and addresses, so it stays inside. */
async function resultOf(check: HealthCheck): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: `no answer within ${TIMEOUT_MS} ms` }), TIMEOUT_MS);
  });
  try {
    return await Promise.race([check.check(), late]);
  } catch {
    return { ok: false, detail: 'it fails' };
  } finally {
    clearTimeout(timer);
  }
}
