import { expect, it } from 'vitest';
import type { z } from 'zod';

import { embeddedVariables } from '../../src/embedded/embedded-config.ts';
import { gatewayVariables } from '../../src/gateway/config.ts';
import { serverVariables } from '../../src/server/config.ts';
import { commonVariables } from '../../src/shared/node/environment.ts';
import { workerVariables } from '../../src/worker/config.ts';

const common = new Set(Object.keys(commonVariables));
const ofServer = new Set([...common, ...Object.keys(serverVariables.shape)]);

/** The default value, as the page shows it. */
function fallbackOf(schema: z.ZodType): string {
  const { success, data } = schema.safeParse(undefined);
  if (!success) return '**required**';
  if (data === undefined || (Array.isArray(data) && data.length === 0)) return '';
  return `\`${typeof data === 'string' ? data : JSON.stringify(data)}\``;
}

function table(variables: Record<string, z.ZodType>): string {
  const rows = Object.entries(variables).map(([name, schema]) => {
    expect(schema.description, name).toMatch(/\.$/);
    return `| \`${name}\` | ${fallbackOf(schema)} | ${schema.description?.replaceAll('|', '\\|')} |`;
  });
  return ['| Variable | Default | |', '|---|---|---|', ...rows].join('\n');
}

const without = (variables: Record<string, z.ZodType>, names: Set<string>) =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !names.has(name)));

it('docs/configuration.md describes every variable like the schemas', async () => {
  const { DATA_DIR } = embeddedVariables.shape;
  const page = `# Configuration

Written by \`tests/integration/configuration-page.test.ts\` from the schemas that check the variables; the test fails when this page differs. After a change: \`npx vitest run tests/integration/configuration-page --update\`.

All configuration is in environment variables. They are checked at start, and every wrong variable is listed at once. An empty
variable counts as not set. \`npm start\` requires none of them. It embeds PostgreSQL, Redis, Kubernetes and the issuer unless
\`DATABASE_URL\`, \`REDIS_URL\`, \`KUBECONFIG\` or \`OIDC_ISSUER\` names a real one.

## Server, worker and gateway

${table(commonVariables)}

## Server

${table(without(serverVariables.shape, common))}

## Gateway

It also reads \`PUBLIC_URL\`, \`HOST\`, \`SESSION_SECRET\`, \`ACCESS_SECRET_PREVIOUS\`, \`KEY_ENCRYPTION_SECRET\`, \`KEY_ENCRYPTION_SECRET_PREVIOUS\` and
\`WORKSPACE_DOMAIN\`, with the values of the server. \`PUBLIC_URL\`, \`ACCESS_SECRET\` and \`WORKSPACE_DOMAIN\` are required. \`npm start\` runs it
inside the server, at the same port, and its model broker at a loopback address of its own.

${table(without(gatewayVariables.shape, ofServer))}

## Worker

${table(without(workerVariables.shape, common))}

## \`npm start\`

${table({ DATA_DIR })}
`;
  await expect(page).toMatchFileSnapshot('../../docs/configuration.md');
});
