import { request as httpRequest } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { appErrorCodes } from '../../../src/shared/contract/errors.ts';
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
/** The request, and the status and code of the response. Wrong field values are tested in `tests/fuzz`. */
const cases: [what: string, request: [string, ApiRequest?], status: number, code: string][] = [
  ['an empty body', create(''), 400, 'VALIDATION_FAILED'],
  ['a form', create('name=a', { 'content-type': 'application/x-www-form-urlencoded' }), 405, 'UNSUPPORTED'],
  ['a multipart body', create('--x--', { 'content-type': 'multipart/form-data; boundary=x' }), 405, 'UNSUPPORTED'],
  ['plain text', create('{}', { 'content-type': 'text/plain' }), 405, 'UNSUPPORTED'],
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

describe('a malformed request', () => {
  it.each(cases)('such as %s receives its status and a message', async (_what, [path, request], status, code) => {
    const answer = await call(path, request);
    const error = answer.text.startsWith('[')
      ? (JSON.parse(answer.text) as { error: NonNullable<typeof answer.error> }[])[0]?.error
      : answer.error;
    expect([answer.status, error?.data['appCode']]).toEqual([status, code]);
    expect(error?.message).toMatch(/^[A-Z_a-z].*[.!]$/);
    expect(error?.data['httpStatus']).toBe(status);
    expect(appErrorCodes).toContain(error?.data['appCode']);
    expect(answer.text).not.toMatch(/node_modules|\.ts:|select |"stack"/i);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('has no effect', async () => {
    expect((await call('projects.list')).data).toMatchObject({ items: [] });
    expect((await call('tokens.list')).data).toHaveLength(1);
  });

  it('with a wrong request line or headers is also answered with 4xx', async () => {
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
    // Other applications of a company may fill the cookies of its domain.
    const page = await fetch(`http://127.0.0.1:${server.port}/`, {
      headers: { cookie: `other=${'x'.repeat(20_000)}` },
    });
    expect([page.status, await page.text()]).toEqual([431, expect.stringContaining('cookies')]);
  });
});
