/** Mounted into the issuer's container: the embedded issuer, under the address of its Service. */

import process from 'node:process';

import type { createEmbeddedIssuer as CreateEmbeddedIssuer } from '../../../src/embedded/issuer/issuer.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);
// Not imported by name, for here it lies elsewhere than in the image.
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
  log: { info: say, warn: say },
});
