import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { rights, roleMay, roleRefusal, type ProjectRole, type Right } from '../../../src/shared/contract/roles.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { readRowsButAudit } from '../../support/all-rows.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { askAlone, askOnSocket, type Answer } from '../../support/ask-procedure.ts';
import { idFieldsOf, inputWith } from '../../support/made-up-input.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { procedures, type Procedure } from '../../support/procedures.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

/** `none` is somebody who was a member until a moment ago. */
const roles = ['owner', 'editor', 'viewer', 'none'] as const satisfies ProjectRole[];

interface Person {
  id: string;
  token: string;
  call: ReturnType<typeof createApiCall>;
}

interface Objects {
  project: string;
  task: string;
  run: string;
}

let database: TestDatabase;
let db: Database;
let server: TestServer;
let people: Record<(typeof roles)[number], Person>;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 2 });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { MAX_PROJECTS_PER_USER: '100000', RATE_LIMIT_PER_MINUTE: '1000000' },
  });
  const made = await Promise.all(roles.map(async (role) => [role, await createPerson(role)] as const));
  people = Object.fromEntries(made) as typeof people; // one of each role
});
afterAll(async () => {
  await server.stop();
  await db.destroy();
  await database.drop();
});

async function createPerson(name: string): Promise<Person> {
  const token = await server.mintToken(name);
  const call = createApiCall(server.url, bearer(token));
  const { id } = (await call('auth.me')).data as { id: string };
  return { id, token, call };
}

/** A project with one task and one run, shared with the editor and the viewer, and no longer with the fourth person. */
async function createShared(): Promise<Objects> {
  const { owner, none } = people;
  const made = async (path: string, body: object) => {
    const { status, data, text } = await owner.call(path, { body });
    if (status !== 200) throw new Error(`${path} answered ${text}`);
    return (data as { id: string }).id;
  };
  const project = await made('projects.create', { name: `Shared ${randomUUID()}` });
  const task = await made('tasks.create', { projectId: project, title: 'A task' });
  const run = await made('runs.start', { taskId: task, idempotencyKey: randomUUID() });
  const saved = await owner.call('config.save', {
    body: { id: project, document: '{}', rules: 'None.', baseVersion: 0 },
  });
  expect(saved.status).toBe(200);
  for (const role of ['editor', 'viewer'] as const) {
    await made('members.add', { id: project, email: `${role}@example.test`, role });
  }
  await made('members.add', { id: project, email: 'none@example.test', role: 'editor' });
  await made('members.remove', { id: project, userId: none.id });
  return { project, task, run };
}

/** A correct input that names these objects. */
function inputFor(procedure: Procedure, { project, task, run }: Objects): unknown {
  const idOf = (path: string) => {
    if (path === 'runId') return run;
    if (path === 'taskId' || (path === 'id' && procedure.name.startsWith('tasks.'))) return task;
    return path === 'id' || path === 'projectId' ? project : people.viewer.id;
  };
  if (procedure.name === 'tasks.move') return { id: task, state: 'DONE', afterId: null };
  const paths = idFieldsOf(procedure).flatMap(({ path, isUuid }) => (isUuid ? [path] : []));
  return inputWith(procedure, Object.fromEntries(paths.map((path) => [path, idOf(path)])));
}

async function ask(person: Person, procedure: Procedure, input: unknown): Promise<Answer> {
  const question = { procedure, input: () => input };
  if (procedure.type !== 'subscription') {
    return await askAlone({ url: server.url, headers: bearer(person.token) }, question);
  }
  // The server closes a socket on which nobody answers its pings, so none is kept for the next test.
  const socket = await openSocket(server.url, { token: person.token });
  const answer = await askOnSocket(socket, 1, question);
  socket.close();
  return answer;
}

/** The procedures that name a project, a task or a run. Those with the right `read` and no id list what the caller sees. */
const guarded = procedures.flatMap((procedure) => {
  const { right } = procedure;
  return right !== null && procedure.name !== 'projects.list' ? [{ ...procedure, right }] : [];
});

function expected(role: ProjectRole, right: Right): string {
  if (role === 'none') return 'NOT_FOUND';
  return roleMay(role, right) ? 'allowed' : 'FORBIDDEN';
}

/** What the role decided: an allowed call may still be refused, because no pod runs here. */
function outcomeOf({ appCode }: Answer): string {
  return appCode === 'FORBIDDEN' || appCode === 'NOT_FOUND' ? appCode : 'allowed';
}

describe('every procedure that concerns a project', { timeout: 120_000 }, () => {
  it('names a right, and every right is named', () => {
    const used = new Set<Right>(guarded.map(({ right }) => right));
    // The size is one field of `projects.update`, see sharing.test.ts.
    expect(rights.filter((right) => !used.has(right))).toEqual(['size']);
    const withoutRight = procedures.flatMap(({ name, right }) => (right === null ? [name.split('.')[0] ?? ''] : []));
    const own = ['admin', 'auth', 'devices', 'models', 'projects', 'sessions', 'tokens'];
    expect(withoutRight.filter((router) => !own.includes(router))).toEqual([]);
  });

  it.each(roles)('is answered for the role %s as the table says, and what is refused changes nothing', async (role) => {
    const shared = await createShared();
    const before = await readRowsButAudit(db);
    const findings: string[] = [];
    const allowed: typeof guarded = [];
    for (const procedure of guarded) {
      if (expected(role, procedure.right) === 'allowed') {
        allowed.push(procedure);
        continue;
      }
      const answer = await ask(people[role], procedure, inputFor(procedure, shared));
      const isRight = outcomeOf(answer) === expected(role, procedure.right);
      const reason = role === 'none' ? '' : (roleRefusal(role, procedure.right) ?? '');
      if (!isRight || !answer.text.includes(reason))
        findings.push(`${procedure.name}: ${answer.appCode} ${answer.text}`);
    }
    const rows = (all: string[]) => all.filter((row) => !row.startsWith('access_tokens '));
    expect(findings).toEqual([]);
    expect(rows(await readRowsButAudit(db))).toEqual(rows(before));
    for (const procedure of allowed) {
      const answer = await ask(people[role], procedure, inputFor(procedure, await createShared()));
      if (outcomeOf(answer) !== 'allowed') findings.push(`${procedure.name}: ${answer.appCode} ${answer.text}`);
    }
    expect(findings).toEqual([]);
  });

  it('answers somebody who was removed exactly as a stranger', async () => {
    const shared = await createShared();
    const nothing = { project: randomUUID(), task: randomUUID(), run: randomUUID() };
    for (const procedure of guarded) {
      const former = await ask(people.none, procedure, inputFor(procedure, shared));
      expect([procedure.name, former.text]).toEqual([
        procedure.name,
        (await ask(people.none, procedure, inputFor(procedure, nothing))).text,
      ]);
    }
  });
});

describe('the files of a project, over HTTP', () => {
  const requests = [
    { right: 'files.read', method: 'GET', path: 'content?path=a' },
    { right: 'files.read', method: 'GET', path: 'archive?path=' },
    { right: 'files.write', method: 'PUT', path: 'content?path=a&upload=12345678&offset=0&total=1' },
    { right: 'files.write', method: 'DELETE', path: 'content?path=a&upload=12345678' },
  ] as const;

  it.each(roles)('are answered for the role %s as the table says', async (role) => {
    const { project } = await createShared();
    for (const { right, method, path } of requests) {
      const response = await fetch(`${server.url}/files/${project}/${path}`, {
        method,
        headers: {
          ...bearer(people[role].token),
          ...(method === 'PUT' ? { 'content-type': 'application/octet-stream' } : {}),
        },
        ...(method === 'PUT' ? { body: 'x' } : {}),
      });
      const outcome = { 403: 'FORBIDDEN', 404: 'NOT_FOUND' }[response.status] ?? 'allowed';
      expect([method, path, outcome]).toEqual([method, path, expected(role, right)]);
    }
  });
});

describe('the list of members', () => {
  it('says addresses only to the owner', async () => {
    const { project } = await createShared();
    const list = async (person: Person) => (await person.call('members.list', { input: { id: project } })).text;
    expect(await list(people.owner)).toContain('editor@example.test');
    expect(await list(people.editor)).not.toContain('@');
    expect(await list(people.viewer)).not.toContain('@');
  });
});
