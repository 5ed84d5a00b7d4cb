/** From OpenCode's request to the provider and back: session proxy, model broker and a provider of the tests. */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as send, type IncomingMessage, type OutgoingHttpHeaders, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { startModelBroker, type RunningBroker } from '../../../src/gateway/broker/broker-context.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { findModelKey, storeModelKey } from '../../../src/shared/node/db/model-keys-repository.ts';
import { readModelUsage } from '../../../src/shared/node/db/model-usage-repository.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { createKeyEncryption } from '../../../src/shared/node/models/key-encryption.ts';
import { readModelCatalogue } from '../../../src/shared/node/models/model-catalogue.ts';
import { createGate } from '../../../src/sidecars/access.ts';
import { createSessionProxy } from '../../../src/sidecars/session-proxy/server.ts';
import { event, sendWords, startFakeProvider, type FakeProvider } from '../../support/fake-provider.ts';
import { createProjects, testAccessKeys, testAccessSecret } from '../../support/gateway-system.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, type TestDatabase } from '../../support/services.ts';

const installationKey = 'sk-installation-0123456789abcdef';
const personalKey = 'sk-person-fedcba9876543210';
const [oldSecret, newSecret] = ['previous '.repeat(4), 'current '.repeat(4)];
const price = { input: 2, output: 10, cachedInput: 0.5 };

let database: TestDatabase;
let db: Database;
let provider: FakeProvider;
let folder: string;
let broker: RunningBroker;
let projectId: string;
let ownerId: string;
let pod: { proxy: Server; port: number };
const logged: string[] = [];
const proxies: Server[] = [];

const { createProject, patchProject } = {
  createProject: (name: string) => createProjects(db, testAccessKeys).createProject(name, '127.0.0.1'),
  patchProject: (...args: Parameters<ReturnType<typeof createProjects>['patchProject']>) =>
    createProjects(db, testAccessKeys).patchProject(...args),
};

const logTo = createLog({ name: 'test', level: 'trace', destination: { write: (line) => void logged.push(line) } });

function start(options: { tokensPerDay?: number; limits?: Parameters<typeof startModelBroker>[1]['limits'] } = {}) {
  return startModelBroker(
    {
      databaseUrl: database.url,
      accessSecret: testAccessSecret,
      accessSecretPrevious: null,
      host: '127.0.0.1',
      port: 0,
      sources: {
        providersFile: join(folder, 'providers.json'),
        keys: `anthropic=${installationKey},fake=${installationKey}`,
        keysFile: null,
      },
      keyEncryption: { secret: newSecret, previousSecret: oldSecret },
      tokensPerDay: options.tokensPerDay ?? null,
    },
    { log: logTo, limits: options.limits ?? {} },
  );
}

/** The session proxy of a project, as it runs in its pod. */
async function startPod(id: string, brokerPort = broker.port) {
  const { opencode, sidecar, models } = testAccessKeys.currentCredentials(id);
  const proxy = createSessionProxy({
    upstream: { host: '127.0.0.1', port: 9 },
    password: opencode,
    isAllowed: createGate(sidecar),
    models: { brokerUrl: `http://127.0.0.1:${brokerPort}`, projectId: id, credential: models },
  });
  proxies.push(proxy);
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return { proxy, port: (proxy.address() as AddressInfo).port };
}

interface ModelRequest {
  port?: number;
  path?: string;
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: unknown;
}

function open({ port = pod.port, path = '/llm/fake/chat/completions', method = 'POST', headers, body }: ModelRequest) {
  const { opencode } = testAccessKeys.currentCredentials(projectId);
  return new Promise<IncomingMessage>((resolve, reject) => {
    const own = { authorization: `Bearer ${opencode}`, 'content-type': 'application/json' };
    const sent = send({ host: '127.0.0.1', port, path, method, agent: false, headers: headers ?? own });
    sent.once('response', resolve).once('error', reject);
    sent.end(typeof body === 'string' ? body : JSON.stringify(body ?? { model: 'fake-1', stream: true, messages: [] }));
  });
}

async function ask(request: ModelRequest = {}) {
  const answer = await open(request);
  const received = await text(answer);
  return { status: answer.statusCode, headers: answer.headers, text: received };
}

const messageOf = (answer: { text: string }) =>
  (JSON.parse(answer.text) as { error: { message: string } }).error.message;
const usage = () => readModelUsage(db, { userId: ownerId, days: 1 });
/** Usage is written after the answer has ended. */
const untilUsed = (requests: number) =>
  vi.waitFor(async () => {
    const read = await usage();
    expect(read.total.requests).toBe(requests);
    return read;
  }, 15_000);

beforeAll(async () => {
  [database, provider] = await Promise.all([createTestDatabase(), startFakeProvider()]);
  db = openTestDatabase(database.url, { poolSize: 2 });
  folder = mkdtempSync(join(tmpdir(), 'models-'));
  const providers = [
    { id: 'fake', name: 'Fake', kind: 'openai-compatible', baseUrl: provider.url, models: [{ id: 'fake-1', price }] },
    { id: 'anthropic', name: 'Anthropic', kind: 'anthropic', baseUrl: `${provider.url}/` },
    { id: 'keyless', name: 'Keyless', kind: 'openai', baseUrl: provider.url },
  ];
  writeFileSync(join(folder, 'providers.json'), JSON.stringify(providers));
  broker = await start();
});
afterAll(async () => {
  await broker?.stop(0);
  await provider?.stop();
  await db?.destroy();
  await database?.drop();
  if (folder) rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  const name = randomUUID();
  projectId = await createProject(name);
  const row = await db('projects').where('id', projectId).first<{ ownerId: string }>('ownerId');
  ownerId = row?.ownerId ?? '';
  pod = await startPod(projectId);
  provider.received.length = 0;
});
afterEach(() => {
  for (const proxy of proxies.splice(0)) {
    proxy.closeAllConnections();
    proxy.close();
  }
});

describe('a request of OpenCode to a model', { timeout: 30_000 }, () => {
  it('reaches the provider with the real key in place of the password, and streams the answer back', async () => {
    const first = Promise.withResolvers<void>();
    provider.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'set-cookie': 'a=b', 'x-request-id': 'r1' });
      response.write(event({ choices: [{ delta: { content: 'Hello' } }] }));
      void first.promise.then(() =>
        response.end(event({ choices: [], usage: { prompt_tokens: 1_000, completion_tokens: 20 } })),
      );
    });
    const { opencode } = testAccessKeys.currentCredentials(projectId);
    const answer = await open({ headers: { authorization: `Bearer ${opencode}`, cookie: 'a=b', 'x-custom': '1' } });
    // The first words arrive although the answer has not ended.
    expect(String((await once(answer, 'data'))[0])).toContain('Hello');
    first.resolve();
    expect(await text(answer)).toContain('prompt_tokens');
    expect([answer.statusCode, answer.headers['x-request-id'], answer.headers['set-cookie']]).toEqual([
      200,
      'r1',
      undefined,
    ]);
    const [{ url, headers, body } = { url: '', headers: {}, body: '' }] = provider.received;
    expect([url, headers.authorization, headers.cookie]).toEqual([
      '/v1/chat/completions',
      `Bearer ${installationKey}`,
      undefined,
    ]);
    expect(Object.keys(headers)).not.toContain('x-custom');
    expect(JSON.parse(body)).toMatchObject({ stream_options: { include_usage: true } });
    expect((await untilUsed(1)).byModel).toMatchObject([
      { provider: 'fake', model: 'fake-1', inputTokens: 1_000, outputTokens: 20, cost: 0.0022, unpricedRequests: 0 },
    ]);
  });

  it('to Anthropic carries the key as it expects it, and counts without a price', async () => {
    provider.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ usage: { input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 5 } }));
    });
    const { opencode } = testAccessKeys.currentCredentials(projectId);
    const headers = { 'x-api-key': opencode, 'anthropic-version': '2023-06-01', 'anthropic-beta': 'b1' };
    const answer = await ask({ path: '/llm/anthropic/messages', headers, body: { model: 'claude-x', messages: [] } });
    expect(answer.status).toBe(200);
    expect(provider.received[0]).toMatchObject({
      url: '/v1/messages',
      headers: { 'x-api-key': installationKey, 'anthropic-beta': 'b1' },
    });
    expect(provider.received[0]?.headers.authorization).toBeUndefined();
    expect((await untilUsed(1)).total).toMatchObject({
      inputTokens: 10,
      cachedInputTokens: 3,
      outputTokens: 5,
      cost: null,
    });
  });

  it('uses the key of the person before that of the installation, and encrypts it again after a rotation', async () => {
    provider.answer((_request, response) => sendWords(response, ['Hi'], { prompt_tokens: 1, completion_tokens: 1 }));
    const place = { userId: ownerId, provider: 'fake' };
    const before = createKeyEncryption({ secret: oldSecret, previousSecret: null });
    const encrypted = await before.encrypt(personalKey, place);
    await storeModelKey(db, { ...place, encrypted, lastFour: '3210' });
    expect((await ask()).status).toBe(200);
    expect(provider.received[0]?.headers.authorization).toBe(`Bearer ${personalKey}`);
    const renewed = (await findModelKey(db, place)) ?? '';
    const afterwards = createKeyEncryption({ secret: newSecret, previousSecret: null });
    expect(await afterwards.decrypt(renewed, place)).toEqual({ key: personalKey, isOutdated: false });

    const lost = createKeyEncryption({ secret: 'x'.repeat(32), previousSecret: null });
    await storeModelKey(db, { ...place, encrypted: await lost.encrypt(personalKey, place), lastFour: '3210' });
    const refused = await ask();
    expect([refused.status, messageOf(refused)]).toEqual([
      403,
      expect.stringContaining('Enter it again under Settings'),
    ]);
  });

  it('gets a sentence that says why it is refused', async () => {
    const { opencode } = testAccessKeys.currentCredentials(projectId);
    const authorization = `Bearer ${opencode}`;
    const refusals = [
      await ask({ path: '/llm/keyless/responses' }),
      await ask({ path: '/llm/unknown/responses' }),
      await ask({ path: '/llm/fake/files' }),
      await ask({ path: '/llm/fake/messages' }),
      await ask({ method: 'GET', headers: { authorization }, body: '' }),
      await ask({ body: 'no json' }),
      await ask({ body: { messages: [] } }),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([403, 404, 404, 404, 404, 400, 400]);
    expect(messageOf(refusals[0] ?? { text: '' })).toBe(
      'There is no key for Keyless. Enter yours under Settings → Models.',
    );
    expect(provider.received).toEqual([]);
  });
});

describe('nobody else', () => {
  it('uses a credential of another project, of one that does not run, or none', async () => {
    const other = await createProject('somebody else');
    const { models } = testAccessKeys.currentCredentials(projectId);
    const direct = (id: string, credential: string) =>
      ask({ port: broker.port, headers: { 'x-opencode-project': id, authorization: `Bearer ${credential}` } });
    provider.answer((_request, response) => sendWords(response, ['Hi'], { prompt_tokens: 1, completion_tokens: 1 }));
    expect((await direct(projectId, models)).status).toBe(200);
    const { sidecar, opencode } = testAccessKeys.currentCredentials(projectId);
    const wrong = [
      await direct(other, models),
      await direct(randomUUID(), models),
      await direct(projectId, sidecar),
      await direct(projectId, opencode),
      await direct(projectId, ''),
      await direct(`${projectId}'`, models),
    ];
    await patchProject(projectId, { desiredState: 'stopped' });
    wrong.push(await direct(projectId, models));
    await patchProject(projectId, { desiredState: 'deleted', status: 'deleting' });
    wrong.push(await direct(projectId, models));
    expect(new Set(wrong.map(({ status, text: answer }) => `${status} ${answer}`)).size).toBe(1);
    expect(wrong[0]?.status).toBe(401);
    expect(provider.received).toHaveLength(1);
  });

  it('reaches models through the session proxy from outside the pod', async () => {
    const { opencode, sidecar } = testAccessKeys.currentCredentials(projectId);
    // What the gateway and the server send has the secret of the project, whatever the person added.
    const fromGateway = { authorization: `Bearer ${sidecar}`, 'x-api-key': opencode };
    const basic = { authorization: `Basic ${Buffer.from(`x:${sidecar}`).toString('base64')}`, 'x-api-key': opencode };
    const others = [{}, { authorization: 'Bearer wrong' }, { 'x-api-key': 'wrong' }];
    for (const headers of [fromGateway, basic, ...others]) {
      for (const path of ['/llm/fake/chat/completions', '//llm/fake/chat/completions', '/LLM/fake/chat/completions']) {
        expect([401, 404]).toContain((await ask({ headers, path })).status);
      }
    }
    expect(provider.received).toEqual([]);
  });
});

describe('what a provider answers', { timeout: 30_000 }, () => {
  it('passes as it is: 429 with its delay, and 401 without the key or a part of it', async () => {
    provider.answer((_request, response) => {
      response.writeHead(429, { 'retry-after': '7', 'content-type': 'application/json' });
      response.end('{"error":{"message":"Slow down."}}');
    });
    expect(await ask()).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7' },
      text: '{"error":{"message":"Slow down."}}',
    });
    provider.answer((request, response) => {
      const key = request.headers.authorization?.slice('Bearer '.length) ?? '';
      response.writeHead(401, { 'content-type': 'application/json', 'x-key': key });
      const parts = [key, `${key.slice(0, 8)}********${key.slice(-4)}`, `${key.slice(0, 6)}...${key.slice(-4)}`];
      response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${parts.join(', ')}.` } }));
    });
    const refused = await ask();
    expect([refused.status, messageOf(refused)]).toEqual([401, 'Incorrect API key provided: [key], [key], [key].']);
    expect(JSON.stringify(refused.headers)).not.toContain('sk-installation');
    provider.answer((_request, response) => sendWords(response, [`Your key is ${installationKey}`], {}));
    expect((await ask()).text).toContain('Your key is [key]');
  });

  it('is never followed to another address', async () => {
    provider.answer((_request, response) => response.writeHead(307, { location: `${provider.url}/elsewhere` }).end());
    const answer = await ask();
    expect([answer.status, messageOf(answer)]).toEqual([502, expect.stringContaining('redirects to another address')]);
    expect(answer.headers.location).toBeUndefined();
    expect(provider.received).toHaveLength(1);
  });

  it('is cut for OpenCode too when the provider cuts it, and its tokens are estimated', async () => {
    provider.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ choices: [{ delta: { content: 'Hello' } }] }), () => response.destroy());
    });
    await expect(ask()).rejects.toThrow(/aborted|hang up/);
    expect((await untilUsed(1)).total).toMatchObject({ unmeasuredRequests: 1, outputTokens: 1, cost: null });
  });

  it('ends at the provider when OpenCode disconnects', async () => {
    const ended = Promise.withResolvers<void>();
    provider.answer((_request, response) => {
      response.on('close', ended.resolve);
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event({ choices: [] }));
    });
    const answer = await open({});
    await once(answer, 'data');
    answer.destroy();
    await ended.promise;
    await untilUsed(1);
  });

  it('gives a sentence when there is none', async () => {
    provider.answer((request) => request.socket.destroy());
    const answer = await ask();
    expect([answer.status, messageOf(answer)]).toEqual([502, 'Fake does not answer. Try again in a moment.']);
  });
});

describe('limits', { timeout: 30_000 }, () => {
  async function withBroker(
    options: Parameters<typeof start>[0],
    work: (port: number) => Promise<void>,
  ): Promise<void> {
    const limited = await start(options);
    try {
      await work((await startPod(projectId, limited.port)).port);
    } finally {
      await limited.stop(0);
    }
  }

  it('stop a person who has used the tokens of the day, in words, but not with a key of their own', async () => {
    provider.answer((_request, response) =>
      sendWords(response, ['Hi'], { prompt_tokens: 900, completion_tokens: 100 }),
    );
    await withBroker({ tokensPerDay: 1_000 }, async (port) => {
      expect((await ask({ port })).status).toBe(200);
      await untilUsed(1);
      const refused = await ask({ port });
      expect([refused.status, messageOf(refused)]).toEqual([
        403,
        expect.stringMatching(/^You have used your 1,000 tokens of today\. You get new ones at midnight/),
      ]);
      const { opencode } = testAccessKeys.currentCredentials(projectId);
      const body = { model: 'claude-x', messages: [] };
      const shaped = await ask({ port, path: '/llm/anthropic/messages', headers: { 'x-api-key': opencode }, body });
      expect(JSON.parse(shaped.text)).toMatchObject({ type: 'error', error: { type: 'permission_error' } });
      const place = { userId: ownerId, provider: 'fake' };
      const encrypted = await createKeyEncryption({ secret: newSecret, previousSecret: null }).encrypt(
        personalKey,
        place,
      );
      await storeModelKey(db, { ...place, encrypted, lastFour: '3210' });
      expect((await ask({ port })).status).toBe(200);
    });
  });

  it('end bodies and answers that are too long, and requests beyond the number of a project', async () => {
    const limits = { bodyBytes: 1_048_576, answerBytes: 200_000, requestsPerProject: 1 };
    await withBroker({ limits }, async (port) => {
      const body = { model: 'fake-1', messages: ['x'.repeat(1_100_000)] };
      expect((await ask({ port, body })).status).toBe(413);
      provider.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(16_384)));
          response.once('drain', more);
        };
        more();
      });
      await expect(ask({ port })).rejects.toThrow(/aborted|hang up/);
      await untilUsed(1);
      provider.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event({ choices: [] }));
      });
      const answer = await open({ port });
      await once(answer, 'data');
      expect((await ask({ port })).status).toBe(429);
      answer.destroy();
    });
  });

  it('keep the memory of a stream flat, also when its reader is slow', async () => {
    let sent = 0;
    const full = Promise.withResolvers<void>();
    provider.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunk = event({ choices: [{ delta: { content: 'x'.repeat(16_000) } }] });
      const more = (): void => {
        while (sent < 60_000_000 && !response.destroyed) {
          sent += chunk.length;
          if (response.write(chunk)) continue;
          response.once('drain', more);
          if (sent > 1_000_000) full.resolve();
          return;
        }
        full.resolve();
      };
      more();
    });
    const { opencode } = testAccessKeys.currentCredentials(projectId);
    const body = JSON.stringify({ model: 'fake-1', stream: true, messages: [] });
    const socket = connect(pod.port, '127.0.0.1');
    socket.pause();
    socket.write(
      `POST /llm/fake/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${opencode}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await full.promise;
    // Other requests pass meanwhile. Without backpressure the whole answer would have been read by their end.
    provider.answer((_request, response) => sendWords(response, ['Hi'], { prompt_tokens: 1, completion_tokens: 1 }));
    for (let others = 0; others < 20; others += 1) expect((await ask()).status).toBe(200);
    // The buffers of the sockets on the way take some megabytes. The rest waits at the provider.
    expect(sent).toBeLessThan(40_000_000);
    socket.destroy();
    await untilUsed(21);
  });
});

it('publishes the providers without addresses and keys, and logs no key', async () => {
  const catalogue = await readModelCatalogue(db);
  expect(catalogue?.providers.map(({ id, hasInstallationKey }) => [id, hasInstallationKey])).toEqual([
    ['anthropic', true],
    ['openai', false],
    ['fake', true],
    ['keyless', false],
  ]);
  const published = JSON.stringify(catalogue) + logged.join('');
  for (const secret of [installationKey, personalKey, provider.url]) expect(published).not.toContain(secret);
});
