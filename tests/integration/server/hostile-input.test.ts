import { request as httpRequest } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { appErrorCodeSchema } from '../../../src/shared/contract/errors.ts';
import { bearer, createApiCall, type ApiRequest } from '../../support/api-call.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let server: TestServer;
let call: ReturnType<typeof createApiCall>;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
  call = createApiCall(server.url, bearer(await server.mintToken('user')));
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const create = (body: unknown, headers = {}): [string, ApiRequest] => ['projects.create', { body, headers }];
const list = (input: unknown): [string, ApiRequest] => ['projects.list', { input }];
const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** What is sent, the status and code of the answer, and the field that its message stands under. */
const cases: [what: string, request: [string, ApiRequest?], status: number, code: string, field?: string][] = [
  ['an empty name', create({ name: '' }), 400, 'VALIDATION_FAILED', 'name'],
  ['a name of 101 characters', create({ name: 'a'.repeat(101) }), 400, 'VALIDATION_FAILED', 'name'],
  ['a name with markup', create({ name: '<script>' }), 400, 'VALIDATION_FAILED', 'name'],
  ['a name that is a number', create({ name: 5 }), 400, 'VALIDATION_FAILED', 'name'],
  ['no name', create({}), 400, 'VALIDATION_FAILED', 'name'],
  ['a description with a NUL', create({ name: 'a', description: '\0' }), 400, 'VALIDATION_FAILED', 'description'],
  [
    'a repository URL with a password',
    create({ name: 'a', repoUrl: 'https://u:p@h/r' }),
    400,
    'VALIDATION_FAILED',
    'repoUrl',
  ],
  [
    'a repository URL of another scheme',
    create({ name: 'a', repoUrl: 'file:///etc/passwd' }),
    400,
    'VALIDATION_FAILED',
    'repoUrl',
  ],
  ['an unknown field', create({ name: 'a', owner: 'me' }), 400, 'VALIDATION_FAILED', 'owner'],
  ['a prototype', create('{"name":"a","__proto__":{"x":1}}'), 400, 'VALIDATION_FAILED', '__proto__'],
  ['a body that is no object', create('"text"'), 400, 'VALIDATION_FAILED', ''],
  ['broken JSON', create('{"name":'), 400, 'VALIDATION_FAILED'],
  ['an empty body', create(''), 400, 'VALIDATION_FAILED'],
  ['brackets 30,000 deep', create(deep(30_000)), 400, 'VALIDATION_FAILED'],
  ['a body of a megabyte', create('x'.repeat(1_000_000)), 413, 'PAYLOAD_TOO_LARGE'],
  ['a form', create('name=a', { 'content-type': 'application/x-www-form-urlencoded' }), 405, 'UNSUPPORTED'],
  ['a multipart body', create('--x--', { 'content-type': 'multipart/form-data; boundary=x' }), 405, 'UNSUPPORTED'],
  ['plain text', create('{}', { 'content-type': 'text/plain' }), 405, 'UNSUPPORTED'],
  ['an id that is no UUID', ['projects.get', { input: { id: '1; drop table' } }], 400, 'VALIDATION_FAILED', 'id'],
  ['a search with a NUL', list({ search: 'a\0b' }), 400, 'VALIDATION_FAILED', 'search'],
  ['a limit of 101', list({ limit: 101 }), 400, 'VALIDATION_FAILED', 'limit'],
  ['a cursor of nobody’s making', list({ cursor: 'abc' }), 400, 'VALIDATION_FAILED', 'cursor'],
  ['a cursor of 10,000 characters', list({ cursor: 'a'.repeat(10_000) }), 400, 'VALIDATION_FAILED', 'cursor'],
  ['a token name with a line break', ['tokens.create', { body: { name: 'a\nb' } }], 400, 'VALIDATION_FAILED', 'name'],
  [
    'a token that has expired already',
    ['tokens.create', { body: { name: 'a', expiresAt: '2020-01-01T00:00:00Z' } }],
    400,
    'VALIDATION_FAILED',
    'expiresAt',
  ],
  ['an input that is no JSON', ['projects.list?input=%7B'], 400, 'VALIDATION_FAILED'],
  ['an unknown procedure', ['projects.destroy'], 404, 'NOT_FOUND'],
  ['the prototype as a procedure', ['__proto__'], 404, 'NOT_FOUND'],
  ['the constructor as a procedure', ['constructor.prototype'], 404, 'NOT_FOUND'],
  ['a path that is encoded twice', ['%2525'], 404, 'NOT_FOUND'],
  ['a path that is not encoded right', ['%'], 400, 'VALIDATION_FAILED'],
  ['a path of 6,000 characters', ['a'.repeat(6_000)], 413, 'PAYLOAD_TOO_LARGE'],
  ['a GET on a mutation', ['projects.create'], 405, 'UNSUPPORTED'],
  ['a POST on a query', ['projects.list', { body: {} }], 405, 'UNSUPPORTED'],
  ['a PUT', ['projects.create', { method: 'PUT', body: {} }], 405, 'UNSUPPORTED'],
  ['a subscription over HTTP', ['projects.onChange'], 405, 'UNSUPPORTED'],
  ['21 calls in one request', [`${Array(21).fill('auth.me').join(',')}?batch=1`], 400, 'VALIDATION_FAILED'],
  ['a batch that is no object', ['projects.list,projects.list?batch=1&input=5'], 400, 'VALIDATION_FAILED'],
];

describe('wrong input', () => {
  it.each(cases)('such as %s gets a sentence and its field', async (_what, [path, request], status, code, field) => {
    const answer = await call(path, request);
    const error = answer.text.startsWith('[')
      ? (JSON.parse(answer.text) as { error: NonNullable<typeof answer.error> }[])[0]?.error
      : answer.error;
    expect([answer.status, error?.data['appCode']]).toEqual([status, code]);
    expect(error?.message).toMatch(/^[A-Z_a-z].*[.!]$/);
    expect(error?.data['httpStatus']).toBe(status);
    expect(appErrorCodeSchema.options).toContain(error?.data['appCode']);
    if (field !== undefined) expect(Object.keys(error?.data['fields'] as object)).toContain(field);
    expect(answer.text).not.toMatch(/node_modules|\.ts:|select |"stack"/i);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('leaves nothing behind', async () => {
    expect((await call('projects.list')).data).toMatchObject({ items: [] });
    expect((await call('tokens.list')).data).toHaveLength(1);
  });

  it('in the request line and the headers is answered with 4xx too', async () => {
    const raw = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        httpRequest(`http://127.0.0.1:${server.port}/trpc/auth.me`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await raw({ host: 'a b[' })).toBe(400);
    expect(await raw({ authorization: `Bearer ${'x'.repeat(8_000)}` })).toBe(401);
    expect(await raw({ cookie: 'opencode-session=a.b.c; __proto__=1; =' })).toBe(401);
    expect(await raw({ 'x-large': 'x'.repeat(20_000) })).toBe(431);
  });
});

describe('a request of another site’s page', () => {
  it('changes nothing: a POST with its Origin is refused', async () => {
    const stranger = createApiCall(server.url);
    for (const origin of ['https://evil.test', 'null', `${server.url}.evil.test`]) {
      const answer = await stranger('projects.create', { body: { name: 'a' }, headers: { origin } });
      expect([answer.status, answer.error?.data['appCode']]).toEqual([403, 'FORBIDDEN']);
    }
    const own = await stranger('projects.create', { body: { name: 'a' }, headers: { origin: server.url } });
    expect(own.status).toBe(401);
  });
});
