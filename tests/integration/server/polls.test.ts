import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ProjectEvent, ProjectPoll } from '../../../src/shared/contract/events.ts';
import type { Project } from '../../../src/shared/contract/project.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { changeProject } from '../../../src/shared/node/db/projects-repository.ts';
import { bearer, createApiCall, type ApiAnswer } from '../../support/api-call.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { readMetric } from '../../support/read-metric.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let redis: TestRedis;
let db: Database;
/** Two polls of one user may wait at the same time. */
let server: TestServer;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
  db = openTestDatabase(database.url, { poolSize: 1 });
  const timings = { compareIntervalMs: 200 };
  const env = { RATE_LIMIT_PER_MINUTE: '60' };
  server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url, timings, env });
});
afterAll(async () => {
  await server.stop();
  await db.destroy();
  await database.drop();
});

type Call = ReturnType<typeof createApiCall>;

const signIn = async (name: string): Promise<Call> => createApiCall(server.url, bearer(await server.mintToken(name)));
const create = async (call: Call, name: string) => (await call('projects.create', { body: { name } })).data as Project; // the schema of the answer
const poll = (call: Call, input: { projectId?: string; lastEventId?: string } = {}) => call('projects.poll', { input });
const eventsOf = ({ data }: ApiAnswer): ProjectEvent[] => (data as ProjectPoll).events.map(({ event }) => event);
const projectsOf = (event: ProjectEvent): Project[] =>
  event.type === 'changed' ? [event.project] : event.type === 'snapshot' ? event.projects : [];
const lastIdOf = ({ data }: ApiAnswer): string => (data as ProjectPoll).events.at(-1)?.id ?? '';
const subscriptionsOf = async ({ url }: TestServer): Promise<number> =>
  readMetric(await (await fetch(`${url}/metrics`)).text(), 'opencode_subscriptions');

describe('a poll', () => {
  it('begins with a snapshot, and then waits for changes of the own projects', async () => {
    const [call, other] = [await signIn('anna'), await signIn('somebody else')];
    const project = await create(call, 'First');
    const first = await poll(call);
    expect(eventsOf(first)).toMatchObject([{ type: 'snapshot', projects: [{ id: project.id }] }]);
    const next = poll(call, { lastEventId: lastIdOf(first) });
    await create(other, 'Not mine');
    const second = await create(call, 'Second');
    const changes = eventsOf(await next).filter(({ type }) => type !== 'freshness');
    expect(changes).toMatchObject([{ type: 'changed', project: { id: second.id } }]);
  });

  it('misses nothing that happened between two polls', async () => {
    const call = await signIn('ben');
    const first = await poll(call);
    const project = await create(call, 'Between');
    const answer = await poll(call, { lastEventId: lastIdOf(first) });
    // A comparison with the database that is faster than the stream takes this for a loss. Then a snapshot follows.
    expect(eventsOf(answer).flatMap(projectsOf)).toContainEqual(project);
  });

  it('receives what the stream has lost between two polls', async () => {
    const call = await signIn('carl');
    const project = await create(call, 'Changed');
    const first = await poll(call);
    await changeProject(db, { id: project.id }, () => ({ patch: { message: 'Nobody announced this.' } }));
    const { statusVersion } = (await call('projects.get', { input: { id: project.id } })).data as Project;
    let answer = first;
    let received = 0;
    while (received < statusVersion) {
      answer = await poll(call, { lastEventId: lastIdOf(answer) });
      for (const event of eventsOf(answer)) {
        for (const one of projectsOf(event)) received = Math.max(received, one.statusVersion);
      }
    }
  });

  it('for one project receives no other, and is refused for the project of another person', async () => {
    const [call, other] = [await signIn('dora'), await signIn('emil')];
    const project = await create(call, 'Watched');
    const first = await poll(call, { projectId: project.id });
    const next = poll(call, { projectId: project.id, lastEventId: lastIdOf(first) });
    await create(call, 'Unwatched');
    await call('projects.stop', { body: { id: project.id } });
    const changes = eventsOf(await next).filter(({ type }) => type !== 'freshness');
    expect(changes).toMatchObject([{ project: { id: project.id } }]);
    for (const lastEventId of [undefined, lastIdOf(first)]) {
      const refused = await poll(other, { projectId: project.id, ...(lastEventId ? { lastEventId } : {}) });
      expect(refused.error?.data['appCode']).toBe('NOT_FOUND');
    }
  });

  it('ends with 401 at once when its token is revoked', async () => {
    const owner = await signIn('fred');
    const made = (await owner('tokens.create', { body: { name: 'brief' } })).data as { id: string; token: string };
    const call = createApiCall(server.url, bearer(made.token));
    const waiting = poll(call, { lastEventId: lastIdOf(await poll(call)) });
    const startedAt = performance.now();
    await owner('tokens.revoke', { body: { id: made.id } });
    expect((await waiting).status).toBe(401);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('is a subscription only while it waits, and no longer when its client has gone', async () => {
    const token = await server.mintToken('ivan');
    const lastEventId = lastIdOf(await poll(createApiCall(server.url, bearer(token))));
    expect(await subscriptionsOf(server)).toBe(0);
    const client = new AbortController();
    const url = `${server.url}/trpc/projects.poll?input=${encodeURIComponent(JSON.stringify({ lastEventId }))}`;
    const waiting = fetch(url, { headers: bearer(token), signal: client.signal });
    await expect.poll(() => subscriptionsOf(server)).toBe(1);
    client.abort();
    await expect(waiting).rejects.toThrow('aborted');
    await expect.poll(() => subscriptionsOf(server)).toBe(0);
  });

  it('is refused while as many polls of the same person wait as may have sockets', async () => {
    const call = await signIn('greta');
    await create(call, 'In the stream');
    await expect.poll(async () => lastIdOf(await poll(call))).not.toBe('0-0');
    const lastEventId = lastIdOf(await poll(call));
    const polls = [1, 2, 3].map(() => poll(call, { lastEventId }));
    const refused = await Promise.race(polls);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    await create(call, 'Wakes the others');
    const statuses = (await Promise.all(polls)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(2);
  });

  it('never holds up a server that stops', async () => {
    const stopping = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
    const call = createApiCall(stopping.url, bearer(await server.mintToken('hanna')));
    const waiting = poll(call, { lastEventId: lastIdOf(await poll(call)) });
    await expect.poll(() => subscriptionsOf(stopping)).toBe(1);
    const startedAt = performance.now();
    await stopping.stop();
    expect((await waiting).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
