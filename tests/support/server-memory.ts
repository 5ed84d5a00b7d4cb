import { setTimeout as delay } from 'node:timers/promises';

import type { ServiceProcess } from './processes.ts';

/** Collects garbage all the time, so that what a server holds can be told from what it has not yet thrown away. */
export const collectingGarbage = {
  NODE_OPTIONS: '--expose-gc --import=data:text/javascript,setInterval(gc,500).unref()',
};

/** What the server holds, in bytes: its own objects, and the buffers that wait to be sent. The least of a second. */
export async function memoryOf(server: ServiceProcess): Promise<number> {
  let least = Infinity;
  for (const startedAt = performance.now(); performance.now() - startedAt < 1_000; await delay(50)) {
    const [heap, external] = await Promise.all([
      server.metric('nodejs_heap_size_used_bytes'),
      server.metric('nodejs_external_memory_bytes'),
    ]);
    least = Math.min(least, heap + external);
  }
  return least;
}
