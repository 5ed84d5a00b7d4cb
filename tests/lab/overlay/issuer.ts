/** Runs in the issuer's container: the embedded issuer under the address of its Service. */

import process from 'node:process';

import type { createEmbeddedIssuer as CreateEmbeddedIssuer } from '../../../src/embedded/issuer/issuer.ts';

const writeLine = (line: string) => void process.stdout.write(`${line}\n`);
// A dynamic import, because the path in the image differs from the path in the repository.
const program = '/app/src/embedded/issuer/issuer.ts';
const { createEmbeddedIssuer } = (await import(program)) as { createEmbeddedIssuer: typeof CreateEmbeddedIssuer };
const { ISSUER_URL = '', APP_URL = '' } = process.env;
await createEmbeddedIssuer({
  dataDir: '/tmp',
  host: '0.0.0.0',
  port: 8080,
  url: ISSUER_URL,
  clients: [
    {
      clientId: 'opencode-project-manager',
      clientSecret: 'development-secret-of-opencode-project-manager',
      redirectUris: [`${APP_URL}/auth/callback`],
      postLogoutRedirectUris: [APP_URL],
    },
  ],
  log: { info: writeLine, warn: writeLine },
});
