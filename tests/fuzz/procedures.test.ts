import { Queue } from 'bullmq';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ZodType } from 'zod';

import { createTokenInputSchema } from '../../src/shared/contract/account.ts';
import { projectQueueName } from '../../src/shared/contract/jobs.ts';
import { createProjectInputSchema, projectSchema } from '../../src/shared/contract/project.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { procedures, type Procedure } from '../support/procedures.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { codeOf, createFigures, expectPresentable, inTime, type Answer } from './answers.ts';
import { hostileInputsOf, inputSchemaOf, type HostileInput } from './hostile-inputs.ts';

/** Inputs in each run: the maximum of a batch. */
const inputsPerRun = 20;
/** New procedures must not make the test longer, so together they share these inputs over HTTP. */
const inputsOverHttp = 13_000;
/** The longest query of a URL. Node reads 16 KiB of request line and headers. */
const longestQuery = 10_000;

let database: TestDatabase;
let db: Database;
let connection: Redis;
let queue: Queue;
let server: TestServer;
let token: string;
let call: ReturnType<typeof createApiCall>;
/** Projects and tokens of the caller that existed before. */
let ids: string[];
const figures = createFigures();
const kinds = createFigures();
/** The ids that accepted inputs have created. */
const created = { projects: new Set<string>(), tokens: new Set<string>() };
let acceptedMutations = 0;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  queue = new Queue(projectQueueName, { connection });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { MAX_PROJECTS_PER_USER: '10000', RATE_LIMIT_PER_MINUTE: '10000000' },
  });
  token = await server.mintToken('user');
  call = createApiCall(server.url, bearer(token));
  for (let index = 0; index < 6; index += 1) {
    const answer = await call('projects.create', { body: { name: `Kept ${index}` } });
    recordAccepted('projects.create', answer.data);
  }
  recordAccepted('tokens.create', (await call('tokens.create', { body: { name: 'Kept' } })).data);
  ids = [...created.projects, ...created.tokens];
});
afterAll(async () => {
  await server.stop();
  await queue.close();
  connection.disconnect();
  await db.destroy();
  await database.drop();
});

/** The server has state, so a failing input is not shrunk. The message names the input. */
const limits = { interruptAfterTimeLimit: 60_000, endOnFailure: true };
const httpProcedures = procedures.filter(({ type }) => type !== 'subscription');
const runsOverHttp = Math.ceil(inputsOverHttp / httpProcedures.length / inputsPerRun);

function recordAccepted(name: string, data: unknown): void {
  const id = (data as { id?: string } | null)?.id ?? '';
  if (name === 'projects.create') created.projects.add(id);
  if (name === 'tokens.create') created.tokens.add(id);
  acceptedMutations += 1;
}

/** Sends this text as the input of a request or of a whole batch. */
async function request(
  { type }: Procedure,
  path: string,
  text: string,
): Promise<{ status: number; answers: Answer[] }> {
  const batch = path.includes(',') ? 'batch=1&' : '';
  const answer = await inTime(
    type === 'query'
      ? call(`${path}?${batch}input=${encodeURIComponent(text)}`)
      : call(`${path}?${batch}`, { body: text }),
    `${path}: ${text.slice(0, 300)}`,
  );
  if (answer.status >= 500) expect([answer.status, codeOf(answer)]).toEqual([503, 'UNAVAILABLE']);
  const json = JSON.parse(answer.text) as unknown;
  const results = (Array.isArray(json) ? json : [json]) as { result?: { data: unknown }; error?: Answer['error'] }[];
  return {
    status: answer.status,
    answers: results.map(({ result, error }) => ({ data: result?.data, ...(error ? { error } : {}) })),
  };
}

/** OpenCode's schema decides whether a configuration is valid, the accounts which addresses there are, the installation which sizes there are, and lists about their cursors. */
const fieldDecidedLater: Record<string, string> = {
  'auth.setDefaults': 'size',
  'config.save': 'document',
  'members.add': 'email',
  'projects.create': 'size',
  'projects.update': 'size',
};

/** The schema decides which inputs are valid. The server must agree, and must name the field of an invalid one. */
function judge(name: string, schema: ZodType, input: HostileInput, answer: Answer): void {
  const what = `${name} ${input.kind}: ${input.text.slice(0, 500)}`;
  const code = codeOf(answer);
  expectPresentable(answer, what);
  kinds.add(input.kind);
  figures.add(code);
  // The schema does not decide about size and availability.
  if (['PAYLOAD_TOO_LARGE', 'UNAVAILABLE'].includes(code)) return;
  const fields = Object.keys((answer.error?.data['fields'] as object | undefined) ?? {});
  if (input.kind === 'no JSON') {
    expect(code, what).toBe('VALIDATION_FAILED');
    return;
  }
  const parsed = schema.safeParse(JSON.parse(input.text));
  if (!parsed.success || input.refusedField !== null) {
    expect(code, what).toBe('VALIDATION_FAILED');
    expect(fields, what).not.toEqual([]);
    if (input.refusedField !== null) expect(fields, what).toContain(input.refusedField);
  } else if (code === 'VALIDATION_FAILED') {
    expect(fields, what).toEqual([fieldDecidedLater[name] ?? 'cursor']);
  }
}

describe('the input of procedures', () => {
  it.each(httpProcedures)(
    '$name over HTTP is carried out or refused as its schema says, alone and in a batch',
    async (procedure) => {
      const { name, type } = procedure;
      const schema = inputSchemaOf(name);
      const send = async (inputs: HostileInput[], path: string, text: string) => {
        const { status, answers } = await request(procedure, path, text);
        if (answers.length !== inputs.length) expect([status, answers, text]).toBe('one answer an input');
        for (const [index, input] of inputs.entries()) {
          const answer = answers[index] ?? {};
          judge(name, schema, input, answer);
          if (type === 'mutation' && answer.error === undefined) recordAccepted(name, answer.data);
        }
      };
      await fc.assert(
        fc.asyncProperty(
          fc.array(hostileInputsOf(schema, ids), { minLength: inputsPerRun, maxLength: inputsPerRun }),
          async (inputs) => {
            // Sent alone: invalid JSON, inputs that are too long for a batch, and one in ten.
            const together: HostileInput[] = [];
            let size = 0;
            for (const [index, input] of inputs.entries()) {
              const bytes = type === 'query' ? encodeURIComponent(input.text).length : Buffer.byteLength(input.text);
              const most = type === 'query' ? longestQuery : 60_000;
              if (input.kind === 'no JSON' || index % 10 === 0 || size + bytes > most) {
                if (type === 'query' && bytes > longestQuery) continue; // edges.test.ts covers these
                await send([input], name, input.text);
              } else {
                together.push(input);
                size += bytes + 10;
              }
            }
            const text = `{${together.map((input, index) => `"${index}":${input.text}`).join(',')}}`;
            const path = together.map(() => name).join(',');
            if (together.length > 1) await send(together, path, text);
          },
        ),
        { ...limits, numRuns: runsOverHttp },
      );
    },
    120_000,
  );

  it('a call over HTTP with the wrong method, or of a subscription, is refused as unsupported', async () => {
    for (const procedure of procedures) {
      const wrong: Procedure = { ...procedure, type: procedure.type === 'query' ? 'mutation' : 'query' };
      await fc.assert(
        fc.asyncProperty(hostileInputsOf(inputSchemaOf(procedure.name), ids), async ({ text }) => {
          if (wrong.type === 'query' && encodeURIComponent(text).length > longestQuery) return;
          const { answers } = await request(wrong, procedure.name, text);
          expect(answers.map(codeOf)).toEqual(['UNSUPPORTED']);
          figures.add('UNSUPPORTED');
        }),
        { ...limits, numRuns: 5 },
      );
    }
  }, 60_000);

  it('a subscription over the socket is accepted or refused as the schema says, many calls in one frame', async () => {
    // Another person, whose snapshots are small.
    const otherToken = await server.mintToken('other');
    const other = createApiCall(server.url, bearer(otherToken));
    const { data } = await other('projects.create', { body: { name: 'Known' } });
    recordAccepted('projects.create', data);
    const ownIds = [(data as { id: string }).id];
    const socket = await openSocket(server.url, { token: otherToken });
    let nextId = 1;
    for (const { name, type } of procedures) {
      const schema = inputSchemaOf(name);
      const isSubscription = type === 'subscription';
      await fc.assert(
        fc.asyncProperty(
          fc.array(hostileInputsOf(schema, ownIds), { minLength: inputsPerRun, maxLength: inputsPerRun }),
          async (all) => {
            const inputs = all.filter(({ kind, text }) => kind !== 'no JSON' && text.length < 3_000);
            const first = nextId;
            nextId += inputs.length;
            const calls = inputs.map(
              ({ text }, index) =>
                `{"id":${first + index},"method":"${type}","params":{"path":"${name}","input":${text}}}`,
            );
            socket.send(`[${calls.join(',')}]`);
            for (const [index, input] of inputs.entries()) {
              const answer = await answerTo(socket, first + index, input.text);
              if (isSubscription) judge(name, schema, asPassedOn(input), answer);
              else {
                expect(codeOf(answer), input.text).toBe('UNSUPPORTED');
                figures.add('UNSUPPORTED');
              }
              if (isSubscription && !answer.error) await unsubscribe(socket, first + index);
            }
            socket.messages.length = 0;
          },
        ),
        { ...limits, numRuns: isSubscription ? 34 : 1 },
      );
    }
    expect(await inTime(socket.subscribe(nextId), 'a subscription after all that')).toMatchObject({ type: 'snapshot' });
    socket.close();
  }, 120_000);

  it('afterwards there are only rows that the schemas allow, as many as were accepted', async () => {
    const projects = await db('projects').select<Record<string, string>[]>();
    for (const row of projects) {
      const { id, name, description, repoUrl, idempotencyKey } = row;
      const input = { name, description, repoUrl, ...(idempotencyKey === null ? {} : { idempotencyKey }) };
      expect(createProjectInputSchema.parse(input)).toEqual(input); // also trimmed
      expect(row['podName']).toMatch(new RegExp(`^project-${id}-[a-z0-9]{5}$`));
      expect(row).toMatchObject({ workspacePvcName: `workspace-${id}`, namespace: 'opencode' });
      expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }
    expect(new Set(projects.map(({ id }) => id))).toEqual(created.projects);
    const tokens = await db('access_tokens')
      .select<{ id: string; name: string }[]>('id', 'name')
      .whereNot({ name: 'test' });
    for (const { name } of tokens) expect(createTokenInputSchema.parse({ name })).toEqual({ name });
    expect(new Set(tokens.map(({ id }) => id))).toEqual(created.tokens);
    expect(await db('users').select()).toHaveLength(2);

    const events = await db('project_events').select<{ kind: string }[]>();
    expect(events.filter(({ kind }) => kind === 'created')).toHaveLength(created.projects.size);
    expect(events.length).toBeLessThanOrEqual(acceptedMutations);
    const jobs = await queue.getJobs(['waiting', 'delayed', 'active', 'prioritized', 'failed', 'completed']);
    for (const job of jobs) expect(created.projects).toContain((job.data as { projectId: string }).projectId);
    expect(jobs.length).toBeLessThanOrEqual(acceptedMutations);
  }, 60_000);

  it('afterwards the server answers in the same shapes as before', async () => {
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined(); // the server runs in this process
    expect((await call('auth.me')).data).toMatchObject({ name: 'user' });
    let cursor: string | null = null;
    const observed: unknown[] = [];
    do {
      const page = (await call('projects.list', { input: { limit: 100, cursor } })).data as {
        items: { id: string }[];
        nextCursor: string | null;
      };
      for (const item of page.items) observed.push(projectSchema.parse(item).id);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(observed).toHaveLength(created.projects.size - 1); // one belongs to the other person
    for (const id of observed) expect(created.projects).toContain(id);
  });

  it('more than 8,500 inputs of all kinds were sent, accepted and refused', () => {
    process.stdout.write(`fuzz of the procedures: ${figures.line()}; ${kinds.line()}\n`);
    expect(figures.total()).toBeGreaterThan(8_500);
    expect(figures.count('accepted')).toBeGreaterThan(1_000);
    expect(figures.count('VALIDATION_FAILED')).toBeGreaterThan(4_000);
    expect(figures.count('UNAVAILABLE')).toBeLessThan(figures.total() / 100);
    for (const kind of [
      'right',
      'wrong type',
      'hostile text',
      'missing field',
      'unknown field',
      'twice a field',
      'no object',
      'no JSON',
    ]) {
      expect(kinds.count(kind), kind).toBeGreaterThan(100);
    }
  });
});

/** The socket parses and serializes calls once more, which turns a number beyond the range into null. */
function asPassedOn(input: HostileInput): HostileInput {
  const value = JSON.parse(input.text) as Record<string, unknown> | null;
  const sent = input.refusedField === null ? undefined : value?.[input.refusedField];
  const isLost = sent === Infinity || sent === -Infinity;
  return { ...input, text: JSON.stringify(value), refusedField: isLost ? null : input.refusedField };
}

/** Makes room for as many subscriptions as a socket may have. */
async function unsubscribe(socket: RawSocket, id: number): Promise<void> {
  socket.send({ id, method: 'subscription.stop' });
  await inTime(
    socket.message((message) => message.id === id && message.result?.type === 'stopped'),
    'the end of a subscription',
  );
}

/** The first event of a subscription, or its error. */
async function answerTo(socket: RawSocket, id: number, what: string): Promise<Answer> {
  const { result, error } = await inTime(
    socket.message((message) => message.id === id && (message.error ?? message.result?.data) !== undefined),
    what,
  );
  return { data: result?.data, ...(error ? { error } : {}) };
}
