import { randomInt } from 'node:crypto';

import { isPortFree } from '../../src/embedded/process/free-port.ts';

const lowest = 15_000;
const highest = 32_000;

/**
 * A free port for a service that will be killed and come back on it. It lies below the range that the system takes for
 * outgoing connections (net.ipv4.ip_local_port_range): a client that knocks on a port of that range while nobody
 * listens may be given this very port, and then talks to itself and keeps the service out.
 */
export async function findKeptPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(lowest, highest);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No free port was found between ${lowest} and ${highest}.`);
}
