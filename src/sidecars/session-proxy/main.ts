/** The container `session-proxy`: the access to OpenCode from outside the pod. It listens on PORT (3002) and forwards to UPSTREAM_PORT (3000). */

import { createGate, readAccessToken } from '../access.ts';
import { serve } from '../serve.ts';
import { createSessionProxy } from './server.ts';

const token = readAccessToken(process.env);
const proxy = createSessionProxy({
  upstream: { host: '127.0.0.1', port: Number(process.env['UPSTREAM_PORT'] ?? 3000) },
  password: token,
  isAllowed: createGate(token),
});
serve(proxy, { name: 'The session proxy', port: Number(process.env['PORT'] ?? 3002) });
