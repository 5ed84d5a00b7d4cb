/** The container `session-proxy`: the access to OpenCode from outside the pod. It listens on PORT (3002) and forwards to UPSTREAM_HOST (127.0.0.1) and UPSTREAM_PORT (3000). */

import { dirname, join } from 'node:path';

import { createGate, readAccessToken, readOpenCodePassword } from '../access.ts';
import { serve } from '../serve.ts';
import { createSessionProxy } from './server.ts';

const workspace = process.env['WORKSPACE'] ?? '/workspace/project';
const proxy = createSessionProxy({
  upstream: {
    host: process.env['UPSTREAM_HOST'] ?? '127.0.0.1',
    port: Number(process.env['UPSTREAM_PORT'] ?? 3000),
  },
  password: readOpenCodePassword(process.env),
  isAllowed: createGate(readAccessToken(process.env)),
  configFolder: join(dirname(workspace), '.home', '.project-manager'),
});
serve(proxy, { name: 'The session proxy', port: Number(process.env['PORT'] ?? 3002) });
