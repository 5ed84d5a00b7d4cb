/** Who gets into the origin of a project, and by which way. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createEntryTokens, entryKey } from '../../../src/shared/node/access/tickets.ts';
import { revokeAccessToken } from '../../../src/shared/node/db/access-tokens-repository.ts';
import { createClient } from '../../../src/shared/sdk/client.ts';
import { startFakePod, type FakePod } from '../../support/fake-pod.ts';
import { startGatewaySystem, type GatewaySystem } from '../../support/gateway-system.ts';
import { testSessionSecret } from '../../support/test-server.ts';

let system: GatewaySystem;
let pod: FakePod;
let projectId: string;
const page = {
  accept: 'text/html',
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

beforeAll(async () => {
  [system, pod] = await Promise.all([startGatewaySystem(), startFakePod()]);
  projectId = await system.createProject('owner', pod.address);
});
afterAll(async () => {
  await system?.stop();
  await pod?.stop();
});

const pathOf = (url: string) => url.slice(new URL(url).origin.length);

describe('projects.open', () => {
  it('leads the owner through a ticket and a cookie to OpenCode’s page of the workspace', async () => {
    const url = await system.openProject(await system.signIn('owner'), projectId);
    expect(new URL(url).origin).toBe(system.originOf(projectId));
    const entered = await system.ask({ projectId, path: pathOf(url), headers: page });
    expect([entered.status, entered.headers.location]).toEqual([303, '/L3dvcmtzcGFjZS9wcm9qZWN0/session']);
    expect(entered.headers['set-cookie']?.[0]).toMatch(
      /^opencode-workspace=\S+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
    );
    const cookie = entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect(await system.ask({ projectId, headers: { ...page, cookie } })).toMatchObject({ status: 200, text: 'hello' });
    const credential = system.keys.currentCredentials(projectId).sidecar;
    expect(pod.received.at(-1)?.headers).toEqual(expect.arrayContaining([`Bearer ${credential}`]));
    expect(pod.received.at(-1)?.headers.join('\n')).not.toContain('opencode-workspace');
  });

  it('gives tickets that work once, for one project, and for 30 seconds', async () => {
    const session = await system.signIn('owner');
    const [other, url] = [
      await system.createProject('owner', pod.address),
      await system.openProject(session, projectId),
    ];
    expect((await system.ask({ projectId: other, path: pathOf(url), headers: page })).status).toBe(403);
    expect((await system.ask({ projectId, path: pathOf(url), headers: page })).status).toBe(303);
    const again = await system.ask({ projectId, path: pathOf(url), headers: page });
    expect([again.status, again.headers['set-cookie']]).toEqual([403, undefined]);
    expect(again.text).toContain('This link has expired');

    const { userId } = (await system.db('sessions').where({ id: session.id }).first<{ userId: string }>('userId')) ?? {
      userId: '',
    };
    const past = { now: () => Date.now() - 31_000, monotonic: () => 0 };
    const late = createEntryTokens({ key: entryKey(testSessionSecret), clock: past });
    const entry = { credential: { kind: 'session', id: session.id }, userId, projectId } as const;
    for (const ticket of [
      await late.sign('ticket', entry, 30),
      await late.sign('workspace-cookie', entry, 3_600),
      'forged',
    ]) {
      const refused = await system.ask({ projectId, path: `/.opencode-gateway/enter?ticket=${ticket}`, headers: page });
      expect(refused.status).toBe(403);
    }
  });

  it('tells another person that there is no such project', async () => {
    const stranger = await system.signIn('stranger');
    await expect(system.openProject(stranger, projectId)).rejects.toThrow('You have no project with this id');
  });

  it('refuses a project that was deleted', async () => {
    const id = await system.createProject('owner', null, {
      status: 'archived',
      desiredState: 'deleted',
      deletedAt: new Date().toISOString(),
    });
    await expect(system.openProject(await system.signIn('owner'), id)).rejects.toThrow('was deleted');
  });
});

describe('the origin of a project', () => {
  it('looks the same to a stranger, to nobody, and when there is no such project', async () => {
    const id = crypto.randomUUID();
    const stranger = await system.enter(
      await system.signIn('stranger'),
      await system.createProject('stranger', pod.address),
    );
    const token = await system.server.mintToken('stranger');
    const answers = [];
    for (const target of [projectId, id]) {
      for (const headers of [
        {},
        { cookie: stranger },
        { authorization: `Bearer ${token}` },
        { authorization: 'Bearer ocpm_x' },
      ]) {
        const { status, headers: got, text } = await system.ask({ projectId: target, headers });
        answers.push(JSON.stringify([status, { ...got, date: '' }, text]));
      }
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('401');
  });

  it('lets programs in with a personal access token of the owner, which the pod never receives', async () => {
    const token = await system.server.mintToken('owner');
    const authorization = `Bearer ${token}`;
    const { status } = await system.ask({
      projectId,
      path: '/session',
      method: 'POST',
      headers: { authorization },
      body: '{}',
    });
    expect(status).toBe(200);
    expect(pod.received.at(-1)).toMatchObject({ method: 'POST', url: '/session' });
    expect(pod.received.at(-1)?.headers.join()).not.toContain(token);

    const client = createClient({ url: `http://127.0.0.1:${system.server.port}`, token });
    const entered = await system.ask({ projectId, path: pathOf(await client.projects.open(projectId)) });
    await client.close();
    const cookie = entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect((await system.ask({ projectId, headers: { cookie } })).status).toBe(200);

    const row = await system
      .db('access_tokens')
      .orderBy('created_at', 'desc')
      .first<{ id: string; userId: string } | undefined>('id', 'user_id');
    await revokeAccessToken(system.db, row ?? { id: '', userId: '' });
    await expect
      .poll(async () => (await system.ask({ projectId, headers: { authorization } })).status, { timeout: 5_000 })
      .toBe(401);
    expect((await system.ask({ projectId, headers: { cookie } })).status).toBe(401);
  });

  it('of a pod with credentials that are no longer valid offers a restart', async () => {
    const id = await system.createProject('owner', pod.address, { accessKeyId: 'an-old-key' });
    const cookie = await system.enter(await system.signIn('owner'), id);
    const { status, text } = await system.ask({ projectId: id, headers: { ...page, cookie } });
    expect([status, text.includes('Restart needed')]).toEqual([503, true]);
    const started = await system.ask({
      projectId: id,
      path: '/.opencode-gateway/start',
      method: 'POST',
      headers: { cookie, origin: system.originOf(id) },
    });
    expect(started.status).toBe(303);
    expect(await system.db('projects').where({ id }).first('generation', 'pod_generation')).toMatchObject({
      generation: 2,
      podGeneration: 2,
    });
  });

  it('of a simulated pod says so, because its address belongs to no machine', async () => {
    const id = await system.createProject('owner', '192.0.2.7');
    const cookie = await system.enter(await system.signIn('owner'), id);
    const { status, text } = await system.ask({ projectId: id, headers: { ...page, cookie } });
    expect([status, text.includes('This pod is simulated')]).toEqual([503, true]);
  });

  it('of a pod that does not answer is loaded again by itself', async () => {
    const id = await system.createProject('owner', '127.64.99.99');
    const cookie = await system.enter(await system.signIn('owner'), id);
    const { status, text } = await system.ask({ projectId: id, headers: { ...page, cookie } });
    expect([status, text.includes('http-equiv="refresh"')]).toEqual([502, true]);
  });

  it('of a stopped project shows why, starts it, and tells the page when it is ready', async () => {
    const id = await system.createProject('owner', null, {
      desiredState: 'stopped',
      status: 'stopped',
      reason: 'stopped',
      podUid: null,
    });
    const cookie = await system.enter(await system.signIn('owner'), id);
    const { status, text } = await system.ask({ projectId: id, headers: { ...page, cookie } });
    expect([status, />Start</.test(text)]).toEqual([503, true]);
    expect(
      (await system.ask({ projectId: id, path: '/session', headers: { cookie } })).headers['content-type'],
    ).toContain('text/plain');

    const states = await system.open({ projectId: id, path: '/.opencode-gateway/state', headers: { cookie } });
    const heard: string[] = [];
    states.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    await expect.poll(() => heard.join('')).toContain('"action":"start"');
    const foreign = { cookie, origin: system.originOf(projectId) };
    expect(
      (await system.ask({ projectId: id, path: '/.opencode-gateway/start', method: 'POST', headers: foreign })).status,
    ).toBe(401);
    const own = { cookie, origin: system.originOf(id) };
    expect(
      (await system.ask({ projectId: id, path: '/.opencode-gateway/start', method: 'POST', headers: own })).status,
    ).toBe(303);
    expect(await system.db('projects').where({ id }).first('desired_state', 'status')).toMatchObject({
      desiredState: 'running',
      status: 'initializing',
    });
    const timeline = await system.db('project_events').where({ project_id: id }).pluck('kind');
    expect(timeline).toContain('start-requested');

    await system.patchProject(id, { status: 'ready', podIp: pod.address, podUid: 'a-new-pod' });
    await expect.poll(() => heard.join(''), { timeout: 10_000 }).toContain('"ready":true');
    expect((await system.ask({ projectId: id, headers: { ...page, cookie } })).text).toBe('hello');
  });

  it('of a project that becomes ready ends with the next request, for pages and programs', async () => {
    const id = await system.createProject('owner', pod.address, { status: 'initializing' });
    const headers = { authorization: `Bearer ${await system.server.mintToken('owner')}` };
    expect((await system.ask({ projectId: id, headers })).status).toBe(503);
    await system.patchProject(id, { status: 'ready' });
    expect(await system.ask({ projectId: id, headers })).toMatchObject({ status: 200, text: 'hello' });
  });
});
