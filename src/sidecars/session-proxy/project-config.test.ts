import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createGate } from '../access.ts';
import { createSessionProxy } from './server.ts';

const password = 'the-password-of-opencode';
const secret = 'the-secret-of-this-project';

let folder: string;
/** What OpenCode is asked, and how it answers. */
let asked: string[];
let answers: { dispose: number; config: { status: number; body: object } };
let servers: Server[];
let url: string;

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port; // it listens on TCP
}

beforeEach(async () => {
  [asked, servers] = [[], []];
  answers = { dispose: 200, config: { status: 200, body: {} } };
  folder = mkdtempSync(join(tmpdir(), 'project-config-'));
  const openCode = createServer(({ method, url: path }, response) => {
    if (path !== '/global/health') asked.push(`${method} ${path}`);
    if (path === '/global/dispose') response.writeHead(answers.dispose).end('true');
    else response.writeHead(answers.config.status).end(JSON.stringify(answers.config.body));
  });
  const upstream = { host: '127.0.0.1', port: await listen(openCode) };
  const configFolder = join(folder, 'home', '.project-manager');
  const proxy = createSessionProxy({ upstream, password, isAllowed: createGate(secret), configFolder });
  url = `http://127.0.0.1:${await listen(proxy)}/.project-manager/config`;
});
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

const headers = { authorization: `Bearer ${password}` };
const read = async () => await (await fetch(url, { headers })).json();
const put = (body: unknown) => fetch(url, { method: 'PUT', headers, body: JSON.stringify(body) });
const text = (name: string) => readFileSync(join(folder, 'home/.project-manager', name), 'utf8');
const disposals = () => asked.filter((each) => each === 'POST /global/dispose').length;
const files = { version: 3, config: '{"model":"a/b"}', rules: 'Be brief.' };
const current = { version: 3, isRead: true, isChanged: false, problem: null };

describe('the configuration of a project', () => {
  it('is given only with the password of OpenCode, which the gateway does not send', async () => {
    for (const authorization of [`Bearer ${secret}`, 'Bearer wrong']) {
      expect((await fetch(url, { headers: { authorization } })).status).toBe(401);
    }
    expect((await fetch(`${url}?`, { headers: { authorization: `Bearer ${secret}` } })).status).toBe(200); // OpenCode's own
    expect(asked).toEqual(['GET /.project-manager/config?']);
  });

  it('is written and read once, and again when a program has changed it', async () => {
    expect(await read()).toEqual({ version: 0, isRead: false, isChanged: false, problem: null });
    expect(await (await put(files)).json()).toEqual(current);
    expect([text('opencode.json'), text('rules.md')]).toEqual([files.config, files.rules]);
    await put(files);
    expect(disposals()).toBe(1);
    writeFileSync(join(folder, 'home/.project-manager/opencode.json'), '{}');
    expect(await read()).toEqual({ ...current, isChanged: true });
    expect(await (await put(files)).json()).toEqual(current);
    expect(disposals()).toBe(2);
  });

  it('is not taken for read while OpenCode does not read it, and the same again repairs that', async () => {
    answers.dispose = 500;
    expect((await put(files)).status).toBe(502);
    expect(await read()).toEqual({ ...current, isRead: false });
    answers.dispose = 200;
    expect(await (await put(files)).json()).toEqual(current);
  });

  it('says what OpenCode finds wrong in any of its files', async () => {
    const issues = [{ path: ['permission', 'edit'], message: 'Expected an action' }];
    const data = { path: '/workspace/project/opencode.json', issues };
    answers.config = { status: 400, body: { name: 'ConfigInvalidError', data } };
    const problem = '/workspace/project/opencode.json: permission.edit: Expected an action';
    expect(await read()).toMatchObject({ problem });
    answers.config = { status: 400, body: [] };
    expect(await read()).toMatchObject({ problem: '' });
  });

  it('refuses what is not a configuration, and changes nothing', async () => {
    const wrong = [null, [], { version: 1 }, { ...files, version: 'x' }, { ...files, rules: 'x'.repeat(600_000) }];
    for (const body of wrong) expect((await put(body)).status).toBe(400);
    expect((await fetch(url, { method: 'POST', headers })).status).toBe(405);
    expect(await read()).toMatchObject({ version: 0 });
  });
});
