import { expect, it } from 'vitest';
import type { z } from 'zod';

import { embeddedVariables } from '../../src/embedded/embedded-config.ts';
import { serverVariables } from '../../src/server/config.ts';
import { commonVariables } from '../../src/shared/node/environment.ts';
import { workerVariables } from '../../src/worker/config.ts';

const common = new Set(Object.keys(commonVariables));

/** What it is without the variable. */
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

it('docs/configuration.md says of every variable what the schemas say', async () => {
  const { DATA_DIR } = embeddedVariables.shape;
  const page = `# Configuration

Written by \`tests/integration/configuration-page.test.ts\` from the schemas that check it; the test fails when this page says something
else. After a change: \`npx vitest run tests/integration/configuration-page --update\`.

Environment variables alone. All are checked at start, and every wrong one is listed at once, in words. An empty one counts as
not set. \`npm start\` reads them all, and embeds PostgreSQL, Redis, Kubernetes and the issuer unless \`DATABASE_URL\`, \`REDIS_URL\`,
\`KUBECONFIG\` or \`OIDC_ISSUER\` names a real one; nothing is required there.

## Server and worker

${table(commonVariables)}

## Server

${table(without(serverVariables.shape, common))}

## Worker

${table(without(workerVariables.shape, common))}

## \`npm start\`

${table({ DATA_DIR })}
`;
  await expect(page).toMatchFileSnapshot('../../docs/configuration.md');
});
