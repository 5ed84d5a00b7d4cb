/** The real OpenCode in the pod of a project uses a model, and no key is anywhere in the pod. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { startModelBroker, type RunningBroker } from '../../../src/gateway/broker/broker-context.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { storeModelKey } from '../../../src/shared/node/db/model-keys-repository.ts';
import { readModelUsage } from '../../../src/shared/node/db/model-usage-repository.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { createKeyEncryption } from '../../../src/shared/node/models/key-encryption.ts';
import { listUsableProviders } from '../../../src/shared/node/models/usable-providers.ts';
import { readAllRows } from '../../support/all-rows.ts';
import { startFakeModel, type FakeModel } from '../../support/fake-model.ts';
import { startFakeProvider, type FakeProvider } from '../../support/fake-provider.ts';
import { createProjects, testAccessKeys, testAccessSecret } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import {
  ask,
  descendantsOf,
  startProcessCluster,
  startTimeoutMs,
  titled,
  whyNot,
  type ProcessCluster,
} from '../../support/process-pods.ts';
import { answerAsProvider } from '../../support/real-model-apis.ts';
import { createTestDatabase, type TestDatabase } from '../../support/services.ts';

const reason = await whyNot('sandbox');
const installationKey = 'sk-planted-of-the-installation';
const personalKey = 'sk-planted-of-the-person';
const secret = 'a secret for model keys of tests, longer than 32';

describe.runIf(reason === null)(titled('keys of models', reason), { timeout: 240_000 }, () => {
  let dataDir: string;
  let database: TestDatabase;
  let db: Database;
  let model: FakeModel;
  /** In place of Anthropic and OpenAI. */
  let usual: FakeProvider;
  let broker: RunningBroker;
  let cluster: ProcessCluster;
  const logged: string[] = [];

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'keys-'));
    [database, model, usual, cluster] = await Promise.all([
      createTestDatabase(),
      startFakeModel(),
      startFakeProvider(),
      startProcessCluster(dataDir),
    ]);
    db = openTestDatabase(database.url, { poolSize: 2 });
    const providersFile = join(await mkdtemp(join(tmpdir(), 'providers-')), 'providers.json');
    const provider = { kind: 'openai-compatible', baseUrl: model.url, models: [{ id: 'fake-1' }] };
    const providers = ['ours', 'theirs'].map((id) => ({ ...provider, id, name: id }));
    const usualIds = ['anthropic', 'openai'];
    const replaced = usualIds.map((id) => ({ id, name: id, kind: id, baseUrl: usual.url }));
    await writeFile(providersFile, JSON.stringify([...providers, ...replaced]));
    broker = await startModelBroker(
      {
        databaseUrl: database.url,
        accessSecret: testAccessSecret,
        accessSecretPrevious: null,
        host: '127.0.0.1',
        port: 0,
        sources: {
          providersFile,
          keys: ['ours', ...usualIds].map((id) => `${id}=${installationKey}`).join(','),
          keysFile: null,
        },
        keyEncryption: { secret, previousSecret: null },
        tokensPerDay: null,
      },
      { log: createLog({ name: 'test', level: 'trace', destination: { write: (line) => void logged.push(line) } }) },
    );
  }, startTimeoutMs);
  afterAll(async () => {
    await cluster?.stop();
    await broker?.stop(0);
    await model?.close();
    await usual?.stop();
    await db?.destroy();
    await database?.drop();
    await rm(dataDir, { recursive: true, force: true });
  }, startTimeoutMs);

  it('reach no file, variable, argument, answer, row or log, whichever API the OpenCode of a pod uses them for', async () => {
    const id = await createProjects(db, testAccessKeys).createProject('owner', null);
    const { ownerId = '' } =
      (await db('projects').where('id', id).first<{ ownerId: string } | undefined>('ownerId')) ?? {};
    const place = { userId: ownerId, provider: 'theirs' };
    const encrypted = await createKeyEncryption({ secret, previousSecret: null }).encrypt(personalKey, place);
    await storeModelKey(db, { ...place, encrypted, lastFour: 'rson' });
    const providers = await vi.waitFor(async () => {
      const usable = await listUsableProviders(db, ownerId);
      expect(usable.map((provider) => provider.id)).toEqual(['anthropic', 'openai', 'ours', 'theirs']);
      return usable;
    });
    const credentials = testAccessKeys.currentCredentials(id);
    const brokerUrl = `http://127.0.0.1:${broker.port}`;
    const { name } = await cluster.createProject(id, { credentials, models: { brokerUrl, providers } });
    const pod = await cluster.waitUntilReady(name);

    const call = async (path: string, body?: object) => {
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      return (await ask(pod, `3002${path}`, credentials.sidecar, init)).text();
    };
    const session = JSON.parse(await call('/session', { title: 'Keys' })) as { id: string };
    const runId = await insertRunOf(db, { projectId: id, sessionId: session.id });
    const answers: string[] = [];
    const prompt = async (providerID: string, modelID: string, words = 'Please play:hello'): Promise<void> => {
      const parts = [{ type: 'text', text: words }];
      answers.push(await call(`/session/${session.id}/message`, { model: { providerID, modelID }, parts }));
    };
    await prompt('ours', 'fake-1');
    await prompt('theirs', 'fake-1');
    expect(answers).toEqual([
      expect.stringContaining('Hello from the model'),
      expect.stringContaining('Hello from the model'),
    ]);
    await vi.waitFor(async () => {
      const { byModel, byRun } = await readModelUsage(db, { userId: ownerId, days: 1 });
      // OpenCode names its session in each request.
      expect(byRun).toMatchObject([{ runId, requests: 2, inputTokens: 200, outputTokens: 40 }]);
      expect(byModel.map(({ provider }) => provider).toSorted()).toEqual(['ours', 'theirs']);
    }, 15_000);

    // OpenCode's own clients for Anthropic and OpenAI speak other APIs than the two providers above.
    usual.answer((request, response) => answerAsProvider(request, response, `Hello from ${request.url}`));
    const configured = JSON.parse(await call('/config/providers')) as { default: Record<string, string> };
    for (const providerID of ['anthropic', 'openai']) await prompt(providerID, configured.default[providerID] ?? '');
    expect(answers.slice(2)).toEqual([
      expect.stringContaining('Hello from /v1/messages'),
      expect.stringContaining('Hello from /v1/responses'),
    ]);
    expect(usual.received.map(({ headers }) => headers['x-api-key'] ?? headers.authorization)).toEqual([
      installationKey,
      `Bearer ${installationKey}`,
    ]);
    const measured = { requests: 1, unmeasuredRequests: 0, inputTokens: 30, outputTokens: 7 };
    await vi.waitFor(async () => {
      const { byModel } = await readModelUsage(db, { userId: ownerId, days: 1 });
      const ofUsual = byModel.filter(({ provider }) => provider === 'anthropic' || provider === 'openai');
      expect(ofUsual).toMatchObject([measured, measured]);
    }, 15_000);

    // Providers repeat a key that they refuse.
    for (const providerID of ['ours', 'theirs']) await prompt(providerID, 'fake-1', 'Please play:refused');
    expect(answers.at(-1)).toContain('The key is wrong: Bearer [key]');
    answers.push(await call('/config'), await call('/config/providers'), await call(`/session/${session.id}/message`));
    const processes = descendantsOf(process.pid).map(({ pid, command }) => ({
      command,
      environment: environmentOf(pid),
    }));
    const ofOpenCode = processes.filter(({ environment }) => environment.includes('OPENCODE_SERVER_PASSWORD='));
    expect(ofOpenCode.length).toBeGreaterThan(0);
    const files = await readFilesBelow(dataDir);
    expect(files.some((text) => text.includes('/llm/ours'))).toBe(true);
    const everything = [
      ...answers,
      ...logged,
      ...(await readAllRows(db)),
      ...files,
      ...processes.flatMap(({ command, environment }) => [command, environment]),
    ];
    for (const key of [installationKey, personalKey]) {
      expect(everything.filter((text) => text.includes(key))).toEqual([]);
    }
    // The credential of the project, which the broker takes, is not in the container of OpenCode either.
    const inContainer = [
      ...answers,
      ...ofOpenCode.map(({ environment }) => environment),
      ...(await readFilesBelow(join(dataDir, 'volumes'))),
    ];
    expect(inContainer.filter((text) => text.includes(credentials.models))).toEqual([]);
  });
});

/** A run whose agent works in this session. */
async function insertRunOf(db: Database, { projectId, sessionId }: { projectId: string; sessionId: string }) {
  const [taskId, id] = [randomUUID(), randomUUID()];
  await db('tasks').insert({ id: taskId, projectId, title: 'Keys', position: 'a' });
  const texts = { idempotencyKey: 'first', prompt: 'Keys', message: '', usage: '{}' };
  await db('runs').insert({ id, taskId, projectId, ...texts, state: 'running', opencodeSessionId: sessionId });
  return id;
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // the process has ended
  }
}

async function readFilesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  // A file may have been removed in between.
  return Promise.all(paths.map((path) => readFile(path, 'latin1').catch(() => '')));
}
