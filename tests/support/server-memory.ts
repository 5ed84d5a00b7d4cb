import { setTimeout as delay } from 'node:timers/promises';

import type { ServiceProcess } from './processes.ts';

/** Runs the garbage collector often, so that measured memory is memory in use. */
export const collectingGarbage = {
  NODE_OPTIONS: '--expose-gc --import=data:text/javascript,setInterval(gc,500).unref()',
};

/** The memory of the server in bytes: heap and unsent buffers. It is the minimum over one second. */
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
