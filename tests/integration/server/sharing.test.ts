import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { MemberRole } from '../../../src/shared/contract/roles.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { changeMember } from '../../../src/shared/node/db/project-members-repository.ts';
import { upsertUser } from '../../../src/shared/node/db/users-repository.ts';
import { createClient, readAppError, type Client, type Project } from '../../../src/shared/sdk/client.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { openSocket, type RawMessage, type RawSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { testSizesText } from '../../support/sizes.ts';
import { testIssuer } from '../../support/test-issuer.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let db: Database;
let server: TestServer;
const clients: Client[] = [];

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 4 });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: {
      MAX_PROJECTS_PER_USER: '1000',
      RATE_LIMIT_PER_MINUTE: '1000000',
      PROJECT_SIZES: testSizesText,
      QUOTA_RUNNING_PROJECTS: '2',
      TRASH_DAYS: '7',
    },
    timings: { compareIntervalMs: 300 },
  });
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await server.stop();
  await db.destroy();
  await database.drop();
});

interface Person {
  id: string;
  email: string;
  token: string;
  client: Client;
}

let people = 0;
async function createPerson(kind: string): Promise<Person> {
  people += 1;
  const name = `${kind}-${people}`;
  const token = await server.mintToken(name);
  const client = createClient({ url: server.url, token });
  clients.push(client);
  return { id: (await client.trpc.auth.me.query()).id, email: `${name}@example.test`, token, client };
}

async function createPair(): Promise<{ owner: Person; member: Person; project: Project }> {
  const [owner, member] = await Promise.all([createPerson('owner'), createPerson('member')]);
  return { owner, member, project: await owner.client.projects.create({ name: 'Shared' }) };
}

const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: unknown) => readAppError(error),
  );
const codeOf = async (call: Promise<unknown>) => (await errorOf(call))?.code ?? 'done';

describe('an owner shares a project by e-mail address', () => {
  it('in upper or lower case, and sharing again changes the role', async () => {
    const { owner, member, project } = await createPair();
    const { members } = owner.client;
    const first = await members.add({ id: project.id, email: member.email.toUpperCase(), role: 'viewer' });
    expect(first.members).toMatchObject([{ userId: member.id, email: member.email, role: 'viewer' }]);
    const again = await members.add({ id: project.id, email: member.email, role: 'editor' });
    expect(again.members).toMatchObject([{ userId: member.id, role: 'editor' }]);
    const { items } = await member.client.projects.activity(project.id);
    expect(items.slice(0, 2).map(({ kind, actor }) => [kind, actor])).toEqual([
      ['shared', again.owner.name],
      ['shared', again.owner.name],
    ]);
  });

  it('is refused for an address that nobody has, that was not confirmed, that several have, or of another issuer', async () => {
    const { owner, project } = await createPair();
    const person = (issuer: string, email: string, emailVerified: boolean) =>
      upsertUser(db, { issuer, subject: randomUUID(), email, emailVerified, name: 'Somebody', picture: null });
    await person(testIssuer, 'unconfirmed@example.test', false);
    await person(testIssuer, 'twice@example.test', true);
    await person(testIssuer, 'Twice@example.test', true);
    await person('https://another.test', 'elsewhere@example.test', true);
    const add = async (email: string) => {
      const error = await errorOf(owner.client.members.add({ id: project.id, email, role: 'viewer' }));
      return [error?.code, error?.fields['email']];
    };
    const unknown = await add('nobody@example.test');
    expect(unknown).toEqual(['VALIDATION_FAILED', expect.stringMatching(/Ask the person to sign in/)]);
    expect(await add('unconfirmed@example.test')).toEqual(unknown);
    expect(await add('elsewhere@example.test')).toEqual(unknown);
    expect(await add('twice@example.test')).toEqual(['VALIDATION_FAILED', expect.stringMatching(/Several accounts/)]);
    expect(await add(owner.email)).toEqual(['VALIDATION_FAILED', expect.stringMatching(/You own this project/)]);
    expect((await owner.client.members.list(project)).members).toEqual([]);
  });

  it('says whether an address has an account only to the owner of a project', async () => {
    const { member, project } = await createPair();
    const ask = (email: string) => errorOf(member.client.members.add({ id: project.id, email, role: 'viewer' }));
    expect(await ask('nobody@example.test')).toEqual(await ask(member.email));
  });
});

describe('shared projects in lists', () => {
  it('are paged together with the own ones, by name and by creation, with role and owner', async () => {
    const { owner, member, project } = await createPair();
    const add = async (name: string, by: Person) => {
      const created = await by.client.projects.create({ name });
      if (by !== member) await owner.client.members.add({ id: created.id, email: member.email, role: 'editor' });
    };
    await owner.client.members.add({ id: project.id, email: member.email, role: 'viewer' });
    await db('users').update({ name: 'Ada' }).where({ id: owner.id });
    await add('alpha', member).catch(() => undefined);
    await db('projects').update({ desired_state: 'stopped' });
    await add('Bravo', owner);
    await add('Charlie', member);
    for (const [sort, expected] of [
      ['name', ['alpha', 'Bravo', 'Charlie', 'Shared']],
      ['createdAt', ['Charlie', 'Bravo', 'alpha', 'Shared']],
    ] as const) {
      const names: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<Client['projects']['list']>> = await member.client.projects.list({
          sort,
          limit: 1,
          cursor,
        });
        names.push(...page.items.map(({ name }) => name));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(names).toEqual(expected);
    }
    const { items } = await member.client.projects.list({ search: 'bravo' });
    expect(items).toMatchObject([{ name: 'Bravo', role: 'editor', sharedBy: 'Ada', ownerId: owner.id }]);
    expect((await owner.client.projects.get(project)).role).toBe('owner');
  });

  it('are in no list of the member while they are in the trash, and come back with the role', async () => {
    const { owner, member, project } = await createPair();
    await owner.client.members.add({ id: project.id, email: member.email, role: 'editor' });
    await owner.client.projects.trash(project);
    for (const inTrash of [false, true]) {
      expect((await member.client.projects.list({ inTrash })).items).toEqual([]);
    }
    expect(await codeOf(member.client.projects.get(project))).toBe('NOT_FOUND');
    await owner.client.projects.restore(project);
    expect(await member.client.projects.get(project)).toMatchObject({ role: 'editor' });
  });
});

describe('the owner pays', () => {
  it('the start by an editor counts for the owner, and the refusal names none of the owner’s projects', async () => {
    const { owner, member, project } = await createPair();
    await owner.client.members.add({ id: project.id, email: member.email, role: 'editor' });
    await member.client.projects.create({ name: 'Mine' });
    await member.client.projects.create({ name: 'Mine too' });
    await member.client.projects.stop(project);
    await member.client.projects.start(project); // the quota of the editor is used up
    await member.client.projects.stop(project);
    await owner.client.projects.create({ name: 'Secret one' });
    await owner.client.projects.create({ name: 'Secret two' });
    const refusal = await errorOf(member.client.projects.start(project));
    expect([refusal?.code, refusal?.message]).toEqual(['QUOTA_EXCEEDED', expect.not.stringContaining('Secret')]);
    expect((await errorOf(owner.client.projects.start(project)))?.message).toContain('Secret');
  });

  it('only the owner changes the size', async () => {
    const { owner, member, project } = await createPair();
    await owner.client.members.add({ id: project.id, email: member.email, role: 'editor' });
    const refused = await errorOf(member.client.projects.update({ id: project.id, size: 'S', name: 'Renamed' }));
    expect([refused?.code, refused?.message]).toEqual(['FORBIDDEN', expect.stringMatching(/Only the owner/)]);
    expect(await owner.client.projects.get(project)).toMatchObject({ name: 'Shared', size: null });
    expect(await member.client.projects.update({ id: project.id, size: null, name: 'Renamed' })).toMatchObject({
      name: 'Renamed',
    });
  });
});

const eventOf = (message: RawMessage) => message.result?.data?.data as { type: string; project?: Project } | undefined;
const eventsOf = ({ messages }: RawSocket, id: string) =>
  messages.flatMap((message) => {
    const event = eventOf(message);
    return event?.project?.id === id ? [`${event.type} ${event.project.role}`] : [];
  });

describe('the live projects of a member', () => {
  it('appear, change their role and vanish, and nothing of what follows is sent', async () => {
    const { owner, member, project } = await createPair();
    const socket = await openSocket(server.url, { token: member.token });
    await socket.subscribe(1);
    const share = (role: MemberRole) => owner.client.members.add({ id: project.id, email: member.email, role });
    const expected: string[] = [];
    const becomes = async (event: string) => {
      expected.push(event);
      await expect.poll(() => eventsOf(socket, project.id)).toEqual(expected);
    };
    await share('viewer');
    await becomes('changed viewer');
    await share('editor');
    await becomes('changed editor');
    await owner.client.members.remove({ id: project.id, userId: member.id });
    await becomes('removed none');
    for (const description of ['After the removal', '']) {
      await owner.client.projects.update({ id: project.id, description });
    }
    await share('viewer');
    await becomes('changed viewer');
    await owner.client.projects.trash(project);
    await becomes('removed none');
    await owner.client.projects.restore(project);
    await becomes('changed viewer');
    await member.client.members.leave(project);
    await becomes('removed none');
    const removed = socket.messages.map(eventOf).find((event) => event?.type === 'removed')?.project;
    expect(removed).toMatchObject({ id: project.id, name: '', ownerId: '', podName: '', message: null });
    expect(JSON.stringify(socket.messages)).not.toContain('After the removal');
    socket.close();
  });

  it('appear and vanish by the comparison when the stream loses the change', async () => {
    const { owner, member, project } = await createPair();
    const socket = await openSocket(server.url, { token: member.token });
    await socket.subscribe(1);
    const give = (role: MemberRole | null) =>
      changeMember(
        db,
        { id: project.id, userId: owner.id, right: 'share' },
        { userId: member.id, role, event: { kind: 'shared', actorId: owner.id, message: 'Lost.' } },
      );
    await give('editor');
    await expect.poll(() => eventsOf(socket, project.id)).toEqual(['changed editor']);
    await give(null);
    await expect.poll(() => eventsOf(socket, project.id)).toEqual(['changed editor', 'removed none']);
    socket.close();
  });

  it('vanish for a client that resumes after the removal', async () => {
    const { owner, member, project } = await createPair();
    await owner.client.members.add({ id: project.id, email: member.email, role: 'viewer' });
    const first = await openSocket(server.url, { token: member.token });
    await first.subscribe(1);
    await owner.client.projects.update({ id: project.id, description: 'Something' });
    await expect.poll(() => eventsOf(first, project.id)).toEqual(['changed viewer']);
    const lastEventId = first.messages.findLast((message) => eventOf(message)?.project)?.result?.data?.id;
    first.close();
    await owner.client.members.remove({ id: project.id, userId: member.id });
    const second = await openSocket(server.url, { token: member.token });
    await second.subscribe(1, { lastEventId });
    await expect.poll(() => eventsOf(second, project.id)).toEqual(['removed none']);
    second.close();
  });
});

type Step = { kind: 'add'; role: MemberRole } | { kind: 'remove' | 'leave' | 'trash' | 'restore' };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), role: fc.constantFrom<MemberRole>('viewer', 'editor') }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'leave' as const, 'trash' as const, 'restore' as const) }),
);

describe('changes of members in any order, with calls of the member at the same time', () => {
  it('never let a call pass that begins after the role was taken away', { timeout: 120_000 }, async () => {
    const [owner, member] = await Promise.all([createPerson('owner'), createPerson('member')]);

    /** What the member may do once everything is settled. */
    const roleAfter = (steps: Step[]): MemberRole | 'none' => {
      let role: MemberRole | 'none' = 'none';
      let isInTrash = false;
      for (const step of steps) {
        if (step.kind === 'add') role = isInTrash ? role : step.role;
        else if (step.kind === 'trash' || step.kind === 'restore') isInTrash = step.kind === 'trash';
        else if (step.kind === 'remove' || !isInTrash) role = 'none';
      }
      return isInTrash ? 'none' : role;
    };

    await fc.assert(
      fc.asyncProperty(fc.array(stepArbitrary, { minLength: 1, maxLength: 6 }), async (steps) => {
        await db('projects').update({ desired_state: 'stopped' });
        const { id } = await owner.client.projects.create({ name: randomUUID() });
        const task = await owner.client.tasks.create({ projectId: id, title: 'A task' });
        const apply = (step: Step): Promise<unknown> => {
          switch (step.kind) {
            case 'add':
              return owner.client.members.add({ id, email: member.email, role: step.role });
            case 'remove':
              return owner.client.members.remove({ id, userId: member.id });
            case 'leave':
              return member.client.members.leave(id);
            case 'trash':
            case 'restore':
              return owner.client.projects[step.kind](id);
          }
        };
        const calls = (): Promise<string>[] => [
          codeOf(member.client.projects.get(id)),
          codeOf(member.client.tasks.update({ id: task.id, title: randomUUID() })),
          codeOf(member.client.projects.update({ id, description: randomUUID() })),
          codeOf(member.client.config.save({ id, document: '{}', rules: randomUUID(), baseVersion: 0 })),
        ];
        for (const [index, step] of steps.entries()) {
          // These run at the same time as the change. Whatever they answer, they must not disturb it.
          const during = calls();
          await apply(step).catch(() => undefined);
          const role = roleAfter(steps.slice(0, index + 1));
          const answers = await Promise.all(calls());
          await Promise.all(during);
          const read = role === 'none' ? 'NOT_FOUND' : 'done';
          const write = { none: ['NOT_FOUND'], viewer: ['FORBIDDEN'], editor: ['done', 'CONFLICT'] }[role];
          expect([step, answers[0]]).toEqual([step, read]);
          for (const answer of answers.slice(1)) expect(write).toContain(answer);
          const rows = await db('project_members').where({ project_id: id });
          const { members } = await db('projects').where({ id }).first<{ members: Record<string, { role: string }> }>();
          expect(Object.fromEntries(Object.entries(members).map(([userId, { role: one }]) => [userId, one]))).toEqual(
            Object.fromEntries(rows.map((row: { userId: string; role: string }) => [row.userId, row.role])),
          );
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('the command line', () => {
  const opm = async ({ token }: Person, ...args: string[]) => {
    const env = { PATH: process.env['PATH'], OPM_URL: server.url, OPM_TOKEN: token };
    return (await promisify(execFile)(process.execPath, ['src/cli/opm.ts', ...args], { env })).stdout;
  };

  it('shares, lists, ends sharing and leaves', async () => {
    const { owner, member, project } = await createPair();
    expect(await opm(owner, 'share', 'Shared', member.email)).toMatch(
      new RegExp(`^member-\\d+ +${member.email} +viewer$`, 'm'),
    );
    expect(await opm(owner, 'share', 'Shared', member.email, '--role', 'editor')).toMatch(/editor$/m);
    expect(await opm(member, 'members', 'Shared')).not.toContain('@');
    expect(await opm(member, 'show', 'Shared')).toMatch(/^Shared with you by owner-\d+\. You are editor\.$/m);
    await opm(member, 'leave', 'Shared');
    expect(await codeOf(member.client.projects.get(project))).toBe('NOT_FOUND');
    await opm(owner, 'share', 'Shared', member.email);
    expect(await opm(owner, 'unshare', 'Shared', member.email)).not.toContain(member.email);
    await expect(opm(owner, 'share', 'Shared', member.email, '--role', 'owner')).rejects.toMatchObject({ code: 2 });
  }, 30_000);

  it('takes the own project before one of somebody else with the same name, and asks which of several others', async () => {
    const { owner, member, project } = await createPair();
    const other = await createPerson('owner');
    const second = await other.client.projects.create({ name: 'shared' });
    for (const [by, { id }] of [
      [owner, project],
      [other, second],
    ] as const) {
      await by.client.members.add({ id, email: member.email, role: 'viewer' });
    }
    await expect(opm(member, 'show', 'Shared')).rejects.toMatchObject({
      stderr: expect.stringContaining(`${second.id} (shared by owner-`) as string,
    });
    const own = await member.client.projects.create({ name: 'Shared' });
    expect(JSON.parse(await opm(member, 'show', 'Shared', '--json'))).toMatchObject({ id: own.id });
  }, 30_000);
});

describe('rows that refer to members', () => {
  it('are deleted with the person and with the project', async () => {
    const { owner, member, project } = await createPair();
    const second = await owner.client.projects.create({ name: 'Second' });
    const guest = await upsertUser(db, {
      issuer: testIssuer,
      subject: 'guest',
      email: 'guest@example.test',
      emailVerified: true,
      name: 'Guest',
      picture: null,
    });
    for (const { id } of [project, second]) {
      for (const email of [member.email, 'guest@example.test']) {
        await owner.client.members.add({ id, email, role: 'viewer' });
      }
    }
    await db('users').where({ id: guest.id }).delete();
    expect((await owner.client.members.list(project)).members.map(({ userId }) => userId)).toEqual([member.id]);
    await db('projects').where({ id: project.id }).delete();
    expect(await db('project_members').where({ user_id: member.id })).toMatchObject([{ projectId: second.id }]);
    expect((await member.client.projects.list()).items.map(({ id }) => id)).toEqual([second.id]);
    expect((await owner.client.members.remove({ id: second.id, userId: member.id })).members).toEqual([]);
  });

  it('of people who were removed are deleted by a later change', async () => {
    const { owner, member, project } = await createPair();
    const other = await createPerson('member');
    const share = ({ email }: Person) => owner.client.members.add({ id: project.id, email, role: 'viewer' });
    await share(member);
    await owner.client.members.remove({ id: project.id, userId: member.id });
    await db('project_members').update({ changed_at: db.raw("now() - interval '61 minutes'") });
    await share(other);
    expect(await db('project_members').where({ project_id: project.id })).toMatchObject([{ userId: other.id }]);
  });
});
