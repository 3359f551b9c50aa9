/** Probes and metrics, outside /api/v1: plain documents that load balancers and Prometheus understand. */
import type { Metrics } from '../observability/metrics.ts';
import type { HealthService } from '../services/health.ts';
import { dependencies, live, ready, unready } from '../validators/replies.ts';
import { documentRoute, type Document, type Route } from './route.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Probes are cheap, and an orchestrator that gets no answer would end a process that is only busy. */
const PROBE = { permission: 'public', produces: 'application/json', limited: false } as const;

export function healthRoutes(health: HealthService, metrics: Pick<Metrics, 'registry'>): Route[] {
  return [
    documentRoute({
      ...PROBE,
      path: '/health/live',
      summary: 'Whether the process runs',
      bodies: { 200: live },
      handler: () => jsonDocument(200, { status: 'live' }),
    }),
    documentRoute({
      ...PROBE,
      path: '/health/ready',
      summary: 'Whether the process can serve; 503 with the reasons when it cannot',
      bodies: { 200: ready, 503: unready },
      handler: async () => {
        const { ready: serves, reasons } = await health.readiness();
        return jsonDocument(serves ? 200 : 503, { status: serves ? 'ready' : 'unready', reasons });
      },
    }),
    documentRoute({
      ...PROBE,
      path: '/health/dependencies',
      summary: 'Each thing the process needs, and how it is',
      bodies: { 200: dependencies },
      handler: async () => jsonDocument(200, { dependencies: await health.dependencies() }),
    }),
    documentRoute({
      path: '/metrics',
      permission: 'public',
      summary: 'Metrics in Prometheus’ text format',
      produces: 'text/plain',
      handler: async () => {
        await health.readiness();
        return { contentType: metrics.registry.contentType, body: await metrics.registry.metrics() };
      },
    }),
  ];
}

function jsonDocument(status: number, value: unknown): Document {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(value) };
}
