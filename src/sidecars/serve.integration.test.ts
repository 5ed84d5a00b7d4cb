import { once } from 'node:events';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';

import { expect, it, onTestFinished } from 'vitest';

import { findFreePort } from '../embedded/process/free-port.ts';
import { serve } from './serve.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

it.runIf(hasIpv6)(
  'a sidecar answers at both kinds of addresses, so that it is ready in clusters with IPv6 alone',
  async () => {
    const server = createServer((_request, response) => response.end('hello'));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const port = await findFreePort();
    serve(server, { name: 'test', port });
    await once(server, 'listening');
    for (const host of ['127.0.0.1', '[::1]']) {
      expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe('hello');
    }
  },
);
