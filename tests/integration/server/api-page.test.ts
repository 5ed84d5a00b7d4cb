/** Runs every command of docs/api.md as it is printed. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';

import { createClient } from '../../../src/shared/sdk/client.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const page = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const commands = [...page.matchAll(/^```sh\n([^`]*)```/gm)]
  .flatMap(([, block = '']) => block.split(/\n\n|\n(?=curl )/))
  .map((command) => command.replace(/^(?:export|#).*\n?/gm, '').trim())
  .filter((command) => command !== '');
const answerSchema = z.object({
  result: z.object({ data: z.looseObject({ id: z.string().optional() }).nullable() }).optional(),
  error: z.object({ message: z.string(), data: z.object({ appCode: z.string() }) }).optional(),
});

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  const env = { ACCESS_SECRET: 'a'.repeat(32), WORKSPACE_DOMAIN: 'localhost:3080' };
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url, env });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

it('every command of docs/api.md has the result that the page describes', async () => {
  const COMMIT = '0'.repeat(40);
  const env = { ...process.env, URL: server.url, TOKEN: await server.mintToken('curl'), ID: '', TASK: '', COMMIT };
  const outcomes: string[] = [];
  for (const command of commands) {
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { env });
    const { result, error } = answerSchema.parse(JSON.parse(stdout));
    const [, procedure] = /trpc\/([\w.]+)/.exec(command) ?? [];
    outcomes.push(`${procedure} ${error?.data.appCode ?? 'done'}`);
    if (procedure === 'projects.create' && result?.data) {
      env.ID = result.data.id ?? '';
      const client = createClient({ url: server.url, token: env.TOKEN });
      env.TASK = (await client.tasks.create({ projectId: env.ID, title: 'A task' })).id;
      await client.close();
    }
  }
  expect(outcomes).toEqual([
    'auth.me done',
    'projects.create done',
    'projects.list done',
    'projects.get done',
    'projects.stop done',
    'projects.open done',
    'projects.keep done',
    'projects.activity done',
    'tasks.changes done',
    'tasks.accept ILLEGAL_STATE', // nothing has run yet
    'config.get done',
    'projects.create VALIDATION_FAILED',
    'admin.audit FORBIDDEN', // the page says so
  ]);
});
