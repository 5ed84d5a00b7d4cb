/** `/livez`, `/readyz` and `/metrics`. Metrics are served only to clients that do not come through a proxy. */

import type { FastifyInstance } from 'fastify';

import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

export function registerHealthRoutes(
  app: FastifyInstance,
  {
    readiness,
    metrics,
    config,
  }: { readiness: () => Promise<Readiness>; metrics: Metrics; config: { trustedProxies: number } },
): void {
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const answer = await readiness();
    return reply
      .code(answer.status === 'down' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(answer);
  });
  app.get('/metrics', async (request, reply) => {
    if (config.trustedProxies > 0 && request.headers['x-forwarded-for'] !== undefined) {
      return reply
        .code(404)
        .type('text/plain')
        .send('Metrics are not public. Request them from the server directly.\n');
    }
    return reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
