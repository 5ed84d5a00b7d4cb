/** The container `session-proxy`: the access to OpenCode from outside the pod. It listens on PORT (3002) and forwards to UPSTREAM_HOST (127.0.0.1) and UPSTREAM_PORT (3000). MODEL_BROKER_URL and PROJECT_ID open the way to models. */

import { dirname, join } from 'node:path';

import { createGate, readAccessToken, readModelCredential, readOpenCodePassword } from '../access.ts';
import { serve } from '../serve.ts';
import { createSessionProxy } from './server.ts';

const { MODEL_BROKER_URL: brokerUrl = '', PROJECT_ID: projectId = '', WORKSPACE = '/workspace/project' } = process.env;
const proxy = createSessionProxy({
  upstream: {
    host: process.env['UPSTREAM_HOST'] ?? '127.0.0.1',
    port: Number(process.env['UPSTREAM_PORT'] ?? 3000),
  },
  password: readOpenCodePassword(process.env),
  isAllowed: createGate(readAccessToken(process.env)),
  models: brokerUrl === '' ? null : { brokerUrl, projectId, credential: readModelCredential(process.env) },
  configFolder: join(dirname(WORKSPACE), '.home', '.project-manager'),
});
serve(proxy, { name: 'The session proxy', port: Number(process.env['PORT'] ?? 3002) });
