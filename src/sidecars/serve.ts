/** Runs the server of a sidecar on HOST (all addresses, IPv6 as well if the pod has it). After SIGTERM it accepts no new requests, finishes the running ones and ends. */

import type { Server } from 'node:http';

/** How long running requests may take after SIGTERM: shorter than the grace period of the pod. */
const drainMs = 2_000;

export function serve(server: Server, { name, port }: { name: string; port: number }): void {
  // Without a host, Node listens on `::` for both kinds of addresses, and on 0.0.0.0 where there is no IPv6.
  server.listen({ port, host: process.env['HOST'] }, () => {
    process.stdout.write(`${name} listens on ${port}.\n`);
  });
  const end = (): void => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), drainMs).unref();
  };
  process.once('SIGTERM', end).once('SIGINT', end);
}
