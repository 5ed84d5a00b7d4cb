import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { projectQueueName } from '../../src/shared/contract/jobs.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import { bearer, createApiCall, type ApiAnswer } from '../support/api-call.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { procedures } from '../support/procedures.ts';
import { openSocket } from '../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { badCursors, badIds, nested, notTexts, shapes, spells, tooLong } from './hostile-values.ts';

let database: TestDatabase;
let db: Database;
let connection: Redis;
let queue: Queue;
let server: TestServer;
let token: string;
let call: ReturnType<typeof createApiCall>;
let projectId: string;
let before: unknown;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  queue = new Queue(projectQueueName, { connection });
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
  token = await server.mintToken('user');
  call = createApiCall(server.url, bearer(token));
  projectId = ((await call('projects.create', { body: { name: 'Kept' } })).data as { id: string }).id;
  before = await everything();
});
afterAll(async () => {
  await server.stop();
  await queue.close();
  connection.disconnect();
  await db.destroy();
  await database.drop();
});

/** Everything that a worker could act on or a client could receive. */
async function everything(): Promise<unknown> {
  const jobs = await queue.getJobs(['waiting', 'delayed', 'active', 'prioritized', 'failed', 'completed']);
  return {
    projects: await db('projects').select().orderBy('id'),
    tokens: await db('access_tokens').select('id', 'name').orderBy('id'),
    jobs: jobs.map((job) => ({ id: job.id, data: job.data as unknown })),
    published: await connection.xlen('opencode:status'),
  };
}

const overHttp = procedures.filter(({ type }) => type !== 'subscription');

/** Sends this text as the input of a procedure. */
function send({ name, type }: { name: string; type: string }, json: string): Promise<ApiAnswer> {
  return type === 'query' ? call(`${name}?input=${encodeURIComponent(json)}`) : call(name, { body: json });
}

function expectRefusal(answer: ApiAnswer, what: string, statuses = [400]): void {
  expect(statuses, `${what}: ${answer.status} ${answer.text.slice(0, 200)}`).toContain(answer.status);
  expect(answer.error?.message, what).toMatch(/^[A-Z_a-z].*[.!]$/s);
  expect(answer.error?.data['appCode'], what).toBe(answer.status === 413 ? 'PAYLOAD_TOO_LARGE' : 'VALIDATION_FAILED');
  expect(answer.text).not.toMatch(/node_modules|\.ts:|"stack"/i);
}

/** For each input a valid rest, and for each field the values that it must refuse. */
const fields: Record<string, { rest: () => object; bad: Record<string, unknown[]> }> = {
  'projects.create': {
    rest: () => ({ name: 'Fine' }),
    bad: {
      name: [...notTexts, ...spells, '', ' '],
      description: [...notTexts, 'a\u0000b', 'a\u001bb', '\ud800', tooLong],
      repoUrl: [
        ...notTexts,
        ...spells,
        'file:///etc/passwd',
        'https://user:word@host/',
        'javascript:alert(1)',
        'https://h/\u0000',
      ],
      idempotencyKey: [...notTexts, ...spells.filter((text) => !['a.b', '-rf', '.'].includes(text)), ''],
    },
  },
  'projects.update': {
    rest: () => ({ id: projectId }),
    bad: {
      id: badIds,
      name: [...notTexts, ...spells, ''],
      description: [...notTexts, '\ud800', tooLong],
      repoUrl: spells,
    },
  },
  'projects.list': {
    rest: () => ({}),
    bad: {
      limit: [0, 101, -1, 1.5, '5', null, {}],
      cursor: badCursors,
      search: [...notTexts, 'a\u0000b', '\ud800', 'x'.repeat(101)],
      status: [...notTexts, ...spells, '__proto__'],
      sort: [...notTexts, ...spells, 'seq', 'constructor'],
    },
  },
  'projects.activity': {
    rest: () => ({ id: projectId }),
    bad: { id: badIds, cursor: [...badCursors, '0', '-1', '1e9', '9'.repeat(30)] },
  },
  'tokens.create': {
    rest: () => ({ name: 'Fine' }),
    bad: {
      name: [...notTexts, 'a\nb', 'a\u0000b', '\ud800', tooLong],
      expiresAt: [...notTexts, ...spells, '2020-01-01T00:00:00Z'],
    },
  },
  ...Object.fromEntries(
    [
      ...['get', 'delete', 'stop', 'start', 'restart', 'retry'].map((verb) => `projects.${verb}`),
      'tokens.revoke',
      'sessions.revoke',
    ].map((name) => [name, { rest: () => ({ id: projectId }), bad: { id: badIds } }]),
  ),
};

describe('fault 24: hostile names, labels, cursors, __proto__, 10 MB strings, deep nesting', () => {
  it.each(overHttp)('$name refuses every invalid input with 400', async (procedure) => {
    for (const [what, json] of Object.entries(shapes)) expectRefusal(await send(procedure, json), what);
  });

  it.each(Object.keys(fields))(
    '%s refuses each hostile value and unknown field with 400 and names the field',
    async (name) => {
      const type = procedures.find((procedure) => procedure.name === name)?.type ?? 'query';
      const { rest, bad } = fields[name] ?? { rest: () => ({}), bad: {} };
      for (const field of ['surprise', '__proto__', 'constructor', 'ownerId', 'status']) {
        if (field in bad) continue;
        const json = JSON.stringify(rest())
          .replace(/}$/, `,${JSON.stringify(field)}:{"x":1}}`)
          .replace('{,', '{');
        const answer = await send({ name, type }, json);
        expectRefusal(answer, json);
        expect(answer.error?.data['fields']).toEqual({ [field]: expect.stringContaining('not known') as string });
      }
      for (const [field, values] of Object.entries(bad)) {
        for (const value of values) {
          const json = JSON.stringify({ ...rest(), [field]: value });
          if (type === 'query' && json.length > 5_000) continue; // the next test covers long URLs
          const answer = await send({ name, type }, json);
          expectRefusal(answer, `${field}: ${json.slice(0, 100)}`);
          expect(Object.keys(answer.error?.data['fields'] as object).map((path) => path.split('.')[0])).toContain(
            field,
          );
        }
      }
    },
  );

  it('every procedure with a body refuses a string of 11 MB with 413', async () => {
    const json = JSON.stringify({ name: 'x'.repeat(11_000_000) });
    for (const procedure of overHttp) {
      const answer = await call(procedure.name, { body: json });
      expectRefusal(answer, procedure.name, [413]);
    }
  });

  it('every procedure with a body refuses JSON that is nested 30,000 deep with 400', async () => {
    for (const { name } of overHttp.filter(({ type }) => type === 'mutation')) {
      for (const json of [nested(30_000), `{"name":${nested(30_000)}}`, nested(10_000, '{"a":', '}', '1')]) {
        expectRefusal(await call(name, { body: json }), `${name}: ${json.slice(0, 20)}`);
      }
    }
  });

  it('a socket refuses every invalid input with 400 and continues', async () => {
    const socket = await openSocket(server.url, { token });
    const inputs = [
      ...Object.values(shapes).filter((json) => json !== shapes['half a JSON'] && json !== shapes['two of them']),
      ...badIds.map((id) => JSON.stringify({ projectId: id })),
      ...[...notTexts, 'x'.repeat(101)].map((lastEventId) => JSON.stringify({ lastEventId })),
    ];
    for (const [index, input] of inputs.entries()) {
      const id = index + 1;
      socket.send(`{"id":${id},"method":"subscription","params":{"path":"projects.onChange","input":${input}}}`);
      const answer = await socket.message((message) => message.id === id);
      expect([answer.error?.data['httpStatus'], input.slice(0, 80)]).toEqual([400, input.slice(0, 80)]);
    }
    expect(await socket.subscribe(10_000)).toMatchObject({ type: 'snapshot' });
    socket.close();
  });

  it('a socket carries out no query and no mutation', async () => {
    const socket = await openSocket(server.url, { token });
    for (const [index, { name, type }] of overHttp.entries()) {
      const input = { ...fields[name]?.rest(), ...(fields[name]?.bad['id'] ? { id: projectId } : {}) };
      socket.send({ id: index + 1, method: type, params: { path: name, input } });
      const { error } = await socket.message(({ id }) => id === index + 1);
      expect([name, error?.data['appCode']]).toEqual([name, 'UNSUPPORTED']);
    }
    socket.close();
  });

  it('a socket is closed with 1009 after a message of 10 MB, and refuses deeply nested JSON with 400', async () => {
    const huge = await openSocket(server.url, { token });
    huge.send(`{"id":1,"method":"subscription","params":{"path":"${'x'.repeat(10_000_000)}"}}`);
    expect(await huge.closed).toBe(1009);
    const socket = await openSocket(server.url, { token });
    const params = (input: string) => `"params":{"path":"projects.onChange","input":${input}}`;
    const deep = [nested(30_000), nested(10_000, '{"a":', '}', '1')].flatMap((json) => [
      `{"id":1,"method":"subscription",${params(json)}}`,
      `{"id":1,"method":"query",${params(json)}}`,
      `{"id":${json},"method":"subscription",${params('{}')}}`,
      json,
    ]);
    for (const [index, text] of deep.entries()) {
      socket.send(text);
      const refusals = () => socket.messages.filter((message) => message.error !== undefined);
      await expect.poll(() => refusals().length).toBe(index + 1);
      expect(refusals().at(-1)?.error?.data['httpStatus']).toBe(400);
    }
    expect(await socket.subscribe(2)).toMatchObject({ type: 'snapshot' });
    socket.close();
    expect((await call('auth.me')).status).toBe(200);
  });

  it('afterwards there is no new row, job or event, so nothing reached Kubernetes', async () => {
    expect(await everything()).toEqual(before);
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined(); // the server runs in this process
  });
});
