/** P7: from `npm start` to a served sign-in page, compared with only the start of its PostgreSQL and its Redis. */

import { rmSync } from 'node:fs';

import { createOwnPostgres, createOwnRedis } from '../tests/support/own-services.ts';
import { createDataDir, startSystem } from '../tests/support/started-system.ts';
import { percentile, type Result, type Scale } from './measure.ts';

export async function measureStart({ quick }: Scale): Promise<Result> {
  const rounds = quick ? 1 : 5;
  const ours: number[] = [];
  const baseline: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    let startedAt = performance.now();
    // As in npm start: initdb and the first start of both at the same time, and the schema.
    const services = await Promise.all([createOwnPostgres(), createOwnRedis()]);
    baseline.push(performance.now() - startedAt);
    for (const service of services) await service.stop();

    const { dataDir } = createDataDir();
    startedAt = performance.now();
    const system = await startSystem({ dataDir });
    const page = await fetch(`${system.url}/sign-in`, { headers: { accept: 'text/html' } });
    if (!(await page.text()).includes('<div id="root">')) throw new Error(`/sign-in answered ${page.status}.`);
    ours.push(performance.now() - startedAt);
    await system.end('SIGTERM');
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
  return {
    id: 'P7',
    what: 'first `npm start` (client built) to a served sign-in page, beside initdb, PostgreSQL and Redis alone',
    unit: 'ms',
    ours: percentile(ours, 0.5),
    baseline: percentile(baseline, 0.5),
    budget: { atMost: 2 },
    details: { rounds },
  };
}
