/** Probes and metrics, outside /api/v1: plain documents that load balancers and Prometheus understand. */
import type { Metrics } from '../observability/metrics.ts';
import type { HealthService } from '../services/health.ts';
import { documentRoute, type Document, type Route } from './route.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

export function healthRoutes(health: HealthService, metrics: Pick<Metrics, 'registry'>): Route[] {
  return [
    documentRoute({
      path: '/health/live',
      permission: 'public',
      summary: 'Whether the process runs',
      produces: 'application/json',
      handler: () => jsonDocument(200, { status: 'live' }),
    }),
    documentRoute({
      path: '/health/ready',
      permission: 'public',
      summary: 'Whether the process can serve; 503 with the reasons when it cannot',
      produces: 'application/json',
      handler: async () => {
        const { ready, reasons } = await health.readiness();
        return jsonDocument(ready ? 200 : 503, { status: ready ? 'ready' : 'unready', reasons });
      },
    }),
    documentRoute({
      path: '/health/dependencies',
      permission: 'public',
      summary: 'Each thing the process needs, and how it is',
      produces: 'application/json',
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
