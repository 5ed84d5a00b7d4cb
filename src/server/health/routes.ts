/** `/livez`, `/readyz` and `/metrics`. */
import type { FastifyInstance } from 'fastify';

import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

export function registerHealthRoutes(
  app: FastifyInstance,
  { readiness, metrics }: { readiness: () => Promise<Readiness>; metrics: Metrics },
): void {
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const answer = await readiness();
    return reply
      .code(answer.status === 'down' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(answer);
  });
  app.get('/metrics', async (_request, reply) => {
    return reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
