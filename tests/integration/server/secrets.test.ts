import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { KubeConfig } from '@kubernetes/client-node';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

import type { Database } from '../../../src/shared/node/db/database.ts';
import { publishModelCatalogue, type PublishedProvider } from '../../../src/shared/node/models/model-catalogue.ts';
import { readAllRows } from '../../support/all-rows.ts';
import { startMarkedIssuer, tokenFaults, type MarkedIssuer } from '../../support/marked-issuer.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createOwnPostgres, createOwnRedis, type OwnRedis, type OwnService } from '../../support/own-services.ts';
import { startServerProcess, startWorkerProcess, type ServiceProcess } from '../../support/processes.ts';
import { startQuickCluster, type QuickCluster } from '../../support/worker-system.ts';

const mark = (what: string) => `${what}-${randomBytes(12).toString('hex')}`;
/** Every secret that the test planted or that was created during it, by name. */
const secrets = new Map<string, string>();
function plant(what: string, text = mark(what)): string {
  secrets.set(`${what} ${secrets.size}`, text);
  return text;
}

/** One response of the server. */
interface Answer {
  where: string;
  status: number;
  headers: Headers;
  text: string;
}
const answers: Answer[] = [];
const clientId = 'secret-keeper';

let postgres: OwnService;
let redis: OwnRedis;
let cluster: QuickCluster;
let issuer: MarkedIssuer;
let server: ServiceProcess;
let worker: ServiceProcess;
let db: Database;
let environment: Record<string, string>;
/** Secrets with the one kind of response that returns them. */
const belongs = new Map<string, string>();

beforeAll(async () => {
  [postgres, redis, cluster, issuer] = await Promise.all([
    createOwnPostgres(),
    createOwnRedis(),
    startQuickCluster(),
    startMarkedIssuer({ clientId }),
  ]);
  plant('database password', new URL(postgres.url).password);
  const redisUrl = new URL(redis.url);
  redisUrl.password = plant('redis-password');
  await onRedis((connection) => connection.config('SET', 'requirepass', redisUrl.password));
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(cluster.kubeconfigPath);
  plant('cluster token', kubeConfig.getCurrentUser()?.token ?? '');
  environment = {
    LOG_LEVEL: 'trace',
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: plant('client-secret'),
    SESSION_SECRET: plant('session-secret-of-enough-characters'),
    KEY_ENCRYPTION_SECRET: plant('key-encryption-secret-of-enough-characters'),
  };
  const places = { databaseUrl: postgres.url, redisUrl: redisUrl.href, env: environment };
  db = openTestDatabase(postgres.url, { poolSize: 1 }); // the test below does not close this connection
  [server, worker] = await Promise.all([
    startServerProcess(places),
    startWorkerProcess({ ...places, kubeconfigPath: cluster.kubeconfigPath }),
  ]);
});
afterAll(async () => {
  await Promise.all([server?.kill(), worker?.kill()]);
  await db?.destroy();
  await Promise.all([postgres?.stop(), redis?.stop(), cluster?.stop(), issuer?.stop()]);
});

async function onRedis(use: (connection: Redis) => Promise<unknown>, password?: string): Promise<void> {
  const url = new URL(redis.url);
  if (password !== undefined) url.password = password;
  const connection = new Redis(url.href, { maxRetriesPerRequest: 1 });
  connection.on('error', () => undefined); // the failing command reports it
  await use(connection).finally(() => connection.disconnect());
}

async function ask(where: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, { redirect: 'manual', ...init });
  const answer = { where, status: response.status, headers: response.headers, text: await response.text() };
  answers.push(answer);
  return answer;
}

const call = (where: string, name: string, headers: Record<string, string>, input?: unknown) =>
  ask(where, `/trpc/${name}`, {
    headers: { 'content-type': 'application/json', origin: server.url, ...headers },
    ...(input === undefined ? {} : { method: 'POST', body: JSON.stringify(input) }),
  });

const cookiesOf = ({ headers }: Answer) =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='));

/** Signs in up to the response of the callback; the issuer redirects back at once. */
async function signIn(where: string): Promise<{ answer: Answer; cookie: string }> {
  const begun = await ask('the way to the issuer', '/auth/login?returnTo=/projects');
  const [loginCookie = ''] = cookiesOf(begun);
  const value = loginCookie.split('=')[1] ?? '';
  plant('login cookie', value);
  belongs.set(value, 'the way to the issuer');
  const there = await fetch(begun.headers.get('location') ?? '', { redirect: 'manual' });
  const back = new URL(there.headers.get('location') ?? '');
  const answer = await ask(where, `${back.pathname}${back.search}`, { headers: { cookie: loginCookie } });
  const session = cookiesOf(answer).find((pair) => pair.startsWith('opencode-session=')) ?? '';
  return { answer, cookie: session };
}

const everySecret = () => [...[...secrets].map(([what, text]) => ({ what, text })), ...issuer.secrets()];

/** A text in every encoding in which it may appear. */
const spellings = (text: string) => [
  text,
  encodeURIComponent(text),
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
];

function findIn(haystack: string, skip: (text: string) => boolean = () => false): string[] {
  return everySecret()
    .filter(({ text }) => !skip(text) && spellings(text).some((spelling) => haystack.includes(spelling)))
    .map(({ what }) => what);
}

describe('planted secrets', () => {
  let token: string;
  let cookie: string;

  it('are returned at sign-in and at the creation of a token, each once', async () => {
    const { answer, cookie: session } = await signIn('a callback that works');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/projects']);
    cookie = session;
    const value = plant('session cookie', cookie.split('=')[1]);
    belongs.set(value, 'a callback that works');
    const made = await call('a new token', 'tokens.create', { cookie }, { name: 'mine' });
    token = (JSON.parse(made.text) as { result: { data: { token: string } } }).result.data.token;
    belongs.set(plant('personal access token', token), 'a new token');
    expect((await call('who am I', 'auth.me', { authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await call('tokens', 'tokens.list', { cookie })).text).toContain('mine');
    const description = plant('private-words');
    belongs.set(description, 'a project');
    const project = await call('a project', 'projects.create', { cookie }, { name: 'Mine', description });
    expect(project.status).toBe(200);
    await vi.waitFor(async () => expect(await db('projects').first('status')).toEqual({ status: 'ready' }), {
      timeout: 20_000,
      interval: 100,
    });
  });

  it('do not leak when input is wrong', async () => {
    const authorization = `Bearer ${token}`;
    const repoUrl = `https://user:${plant('repository-password')}@example.org/a`;
    const refused = await call('credentials in a URL', 'projects.create', { authorization }, { name: 'B', repoUrl });
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, { error: { data: { fields: {} } } }]);
    const guess = plant('guessed-token');
    for (const wrong of [guess, `ocp_${guess}`, `a.${guess}.c`, await issuer.mintAccessToken()]) {
      await call('a bearer token that is not ours', 'auth.me', { authorization: `Bearer ${wrong}` });
    }
    await call('a password of a proxy', 'auth.me', { authorization: `Basic ${plant('basic-password')}` });
    await call('a broken cookie', 'auth.me', { cookie: `${cookie}${plant('cookie-end')}` });
    const inUrl = plant('secret-in-a-url');
    for (const path of [`/auth/callback?code=${inUrl}&state=${inUrl}`, `/trpc/auth.me?input=${inUrl}`, `/%?${inUrl}`]) {
      await ask('a URL that is wrong', path);
    }
    for (const path of [`/no/such/${inUrl}`, `/trpc/${inUrl}`, `/auth/${inUrl}`, `/assets/${inUrl}.js`]) {
      expect((await ask('a path that is nowhere', path, { headers: { accept: '*/*' } })).status).toBe(404);
    }
    await ask('a body that is no JSON', '/trpc/projects.create', {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: `{"name": ${plant('half-a-json')}`,
    });
  });

  it('do not leak when a key of a model is stored, refused and shown, and are in no row and nowhere in Redis', async () => {
    const authorization = `Bearer ${token}`;
    const provider = { id: 'anthropic', name: 'Anthropic', kind: 'anthropic', models: [], hasInstallationKey: false };
    await publishModelCatalogue(db, { tokensPerDay: null, providers: [provider as PublishedProvider] });
    const setKey = (where: string, key: string) =>
      call(where, 'models.setKey', { authorization }, { provider: 'anthropic', key });
    const key = plant('sk-model-key');
    expect((await setKey('a key of a model', key)).status).toBe(200);
    expect((await setKey('a key that is none', `${plant('sk-wrong-key')} and more`)).status).toBe(400);
    expect((await call('keys of models', 'models.providers', { authorization })).text).toContain(key.slice(-4));
    await db.raw('ALTER TABLE model_keys RENAME TO elsewhere');
    expect((await setKey('a table that is gone', plant('sk-unstored-key'))).status).toBe(503);
    await db.raw('ALTER TABLE elsewhere RENAME TO model_keys');
    const stored = [...(await readAllRows(db)), ...(await readRedis(secretOf('redis-password')))].join('\n');
    expect(stored).toContain('model_keys');
    expect(findIn(stored).filter((what) => what.startsWith('sk-'))).toEqual([]);
  });

  it('do not leak when a socket receives wrong messages', async () => {
    const frames = [
      JSON.stringify({ method: 'connectionParams', data: { token: plant('token-of-a-socket') } }),
      JSON.stringify({
        id: 1,
        method: 'subscription',
        params: { path: 'projects.onChange', input: { projectId: token } },
      }),
      `{ "id": 1, ${token}`,
    ];
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc?connectionParams=1`);
    const closed = new Promise((done) => socket.once('close', done));
    socket.on('message', (data: Buffer) =>
      answers.push({ where: 'a socket', status: 0, headers: new Headers(), text: data.toString() }),
    );
    await new Promise((open) => socket.once('open', open));
    for (const frame of frames) socket.send(frame);
    await vi.waitFor(
      () => expect(answers.filter(({ where }) => where === 'a socket').length).toBeGreaterThan(1),
      10_000,
    );
    socket.close();
    await closed;
  });

  it.each(tokenFaults)('do not leak when the issuer answers with this fault: %s', async (fault) => {
    issuer.answerWrongly(fault);
    const { answer, cookie: session } = await signIn('a callback that fails');
    expect([400, 500, 503]).toContain(answer.status);
    expect(session).toBe('');
    issuer.answerWrongly(null);
  });

  it('do not leak when the database refuses a statement that contains them', async () => {
    const words = plant('private-words-of-a-row');
    await db.raw(`ALTER TABLE projects ADD CONSTRAINT never CHECK (description NOT LIKE '%of-a-row%')`);
    const input = { name: 'Refused', description: words };
    expect((await call('a row that is refused', 'projects.create', { cookie }, input)).status).toBe(500);
    await db.raw('ALTER TABLE projects DROP CONSTRAINT never');
    await db.raw('ALTER TABLE access_tokens RENAME TO elsewhere');
    expect((await call('a table that is gone', 'auth.me', { authorization: `Bearer ${token}` })).status).toBe(503);
    await db.raw('ALTER TABLE elsewhere RENAME TO access_tokens');
    await db.raw('ALTER TABLE sessions RENAME TO elsewhere');
    expect((await signIn('a callback that fails')).answer.status).toBe(503);
    expect((await call('a table that is gone', 'auth.me', { cookie })).status).toBe(503);
    await db.raw('ALTER TABLE elsewhere RENAME TO sessions');
    await db.raw('ALTER TABLE projects RENAME TO elsewhere');
    expect((await call('a table that is gone', 'projects.list', { cookie })).status).toBe(503);
    await vi.waitFor(() => expect(worker.output()).toMatch(/relation .*projects.* does not exist/), 20_000);
    await db.raw('ALTER TABLE elsewhere RENAME TO projects');
  });

  it('do not leak when Redis requires another password', async () => {
    const password = secretOf('redis-password');
    await onRedis(async (connection) => {
      await connection.config('SET', 'requirepass', 'another');
      await connection.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    }, password);
    for (const one of [server, worker]) {
      await vi.waitFor(() => expect(one.output()).toMatch(/Redis does not answer/), 20_000);
    }
    expect((await call('a command without Redis', 'projects.create', { cookie }, { name: 'Other' })).status).toBe(200);
    await onRedis((connection) => connection.config('SET', 'requirepass', password), 'another');
  });

  it('do not leak when the database is unavailable or requires another password', async () => {
    const { username, password } = new URL(postgres.url);
    await db.raw(`ALTER ROLE "${username}" PASSWORD 'another'`);
    const others = `backend_type = 'client backend' AND pid <> pg_backend_pid()`;
    await db.raw(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`);
    const refused = await call('a database that refuses us', 'auth.me', { cookie });
    expect(refused.status).toBe(503);
    await db.raw(`ALTER ROLE "${username}" PASSWORD '${password}'`);
    await postgres.kill();
    for (const headers of [{ cookie }, { authorization: `Bearer ${token}` }]) {
      expect((await call('no database', 'auth.me', headers)).status).toBe(503);
    }
    expect((await signIn('a callback that fails')).answer.status).toBe(503);
    await ask('readiness', '/readyz');
    await postgres.start();
  });

  it('are in no response except the one that returns them, and in no header', async () => {
    await ask('figures', '/metrics');
    await ask('the way out', '/auth/logout', { method: 'POST', headers: { cookie, origin: server.url } });
    expect(answers.length).toBeGreaterThan(30);
    for (const { where, status, headers, text } of answers) {
      const all = `${[...headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n${text}`;
      expect([where, status, findIn(all, (secret) => belongs.get(secret) === where)]).toEqual([where, status, []]);
    }
  });

  it('are in no line that server and worker have logged, at any level', async () => {
    await Promise.all([server.kill('SIGTERM'), worker.kill('SIGTERM')]);
    for (const one of [server, worker]) {
      expect(one.output().length).toBeGreaterThan(1_000);
      const lines = one
        .output()
        .split('\n')
        .filter((line) => findIn(line).length > 0);
      expect(lines.map((line) => [findIn(line), line.slice(0, 1_000)])).toEqual([]);
    }
  });

  it('are found by the search of this test in every encoding', () => {
    for (const { what, text } of everySecret()) {
      expect(text.length, what).toBeGreaterThan(11);
      for (const spelling of spellings(text)) expect(findIn(`before ${spelling} after`)).toContain(what);
    }
    expect(everySecret().length).toBeGreaterThan(30);
  });
});

it('no variable of the build environment gets into the built client', { timeout: 120_000 }, async () => {
  const outDir = mkdtempSync(join(tmpdir(), 'opencode-built-'));
  const root = resolve(import.meta.dirname, '../../..');
  const built = spawn(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--outDir', outDir], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...environment, DATABASE_URL: postgres.url, VITE_CLIENT: mark('vite') },
    stdio: 'ignore',
  });
  expect(await new Promise((done) => built.once('close', done))).toBe(0);
  const files = readdirSync(outDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(5);
  for (const { parentPath, name } of files) {
    const content = readFileSync(join(parentPath, name), 'latin1');
    expect([name, findIn(content)]).toEqual([name, []]);
    const names = content.match(/SESSION_SECRET|OIDC_CLIENT_SECRET|DATABASE_URL|REDIS_URL|BEGIN [A-Z ]*PRIVATE KEY/g);
    expect([name, names]).toEqual([name, null]);
    expect(name).not.toMatch(/\.map$/);
  }
  rmSync(outDir, { recursive: true, force: true });
});

/** Everything in Redis, as text. */
async function readRedis(password: string): Promise<string[]> {
  const texts: string[] = [];
  await onRedis(async (connection) => {
    const read: Record<string, (key: string) => Promise<unknown>> = {
      string: (key) => connection.get(key),
      hash: (key) => connection.hgetall(key),
      list: (key) => connection.lrange(key, 0, -1),
      set: (key) => connection.smembers(key),
      zset: (key) => connection.zrange(key, '0', '-1'),
      stream: (key) => connection.xrange(key, '-', '+'),
    };
    for (const key of await connection.keys('*')) {
      const value = await read[await connection.type(key)]?.(key);
      texts.push(`${key} ${JSON.stringify(value)}`);
    }
  }, password);
  expect(texts.length).toBeGreaterThan(0);
  return texts;
}

function secretOf(what: string): string {
  return [...secrets].find(([name]) => name.startsWith(what))?.[1] ?? '';
}
