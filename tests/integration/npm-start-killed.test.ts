/** `kill -9` of `npm start` while three projects run the real OpenCode. */

import { once } from 'node:events';
import { request as send, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

import { expect, it } from 'vitest';

import { isAlive } from '../../src/embedded/process/process-info.ts';
import type { Client } from '../../src/shared/sdk/client.ts';
import { modelsFile, offlineOpenCode } from '../support/offline-opencode.ts';
import { descendantsOf, isListening, startTimeoutMs, titled, whyNot } from '../support/process-pods.ts';
import { createSdkClient } from '../support/sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

const missing = await whyNot('sandbox');
const names = ['One', 'Two', 'Three'];
const directory = encodeURIComponent('/workspace/project');
const waitMs = { timeout: startTimeoutMs, interval: 100 };

/** What a program of the owner can do at the origin of a project. */
async function projectAt(system: StartedSystem, { client, token, id }: { client: Client; token: string; id: string }) {
  const { host } = new URL(await client.projects.open(id));
  const headers = { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return async (method: string, path: string, body?: object) => {
    const url = new URL(`${path}?directory=${directory}`, system.url.replace('localhost', '127.0.0.1'));
    const [answer] = (await once(send(url, { method, headers }).end(JSON.stringify(body)), 'response')) as [
      IncomingMessage,
    ];
    return { status: answer.statusCode, text: await text(answer) };
  };
}

it.runIf(missing === null)(
  titled('kill -9 leaves no process, and the next start has the projects, their files and OpenCode sessions', missing),
  async ({ onTestFinished }) => {
    const { dataDir, remove } = createDataDir();
    onTestFinished(remove);
    const start = async (port?: number) => {
      const system = await startSystem({ dataDir, env: offlineOpenCode, ...(port === undefined ? {} : { port }) });
      onTestFinished(async () => void (await system.end('SIGKILL')));
      const client = await createSdkClient(system, 'user-a');
      onTestFinished(() => client.close());
      return { system, client };
    };

    const first = await start();
    const { token } = await first.client.trpc.tokens.create.mutate({ name: 'Kept' });
    const projects = await Promise.all(names.map((name) => first.client.projects.create({ name })));
    for (const { id, name } of projects) {
      await first.client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: startTimeoutMs });
      await first.client.files.write({ id, path: modelsFile, content: '{}', version: null });
      const ask = await projectAt(first.system, { ...first, token, id });
      expect(await ask('POST', '/session', { title: `Session of ${name}` })).toMatchObject({ status: 200 });
      await first.client.files.write({ id, path: 'kept.txt', content: `File of ${name}`, version: null });
      // As the shell of an agent does it: a process of its own session, which nobody waits for.
      const args = ['-c', 'setsid sleep 1234 & sleep 5678'];
      expect(await ask('POST', '/pty', { command: '/bin/sh', args })).toMatchObject({ status: 200 });
    }
    const processesOf = (part: string) =>
      descendantsOf(first.system.pid).filter(({ command }) => command.includes(part));
    const isDetached = ({ command }: { command: string }) => command === 'sleep 1234';
    await expect.poll(() => processesOf('').filter(isDetached).length, waitMs).toBe(names.length);
    for (const part of ['opencode serve', 'session-proxy', 'file-browser', 'bwrap']) {
      expect(processesOf(part).length, part).toBeGreaterThanOrEqual(names.length);
    }
    for (const part of ['postgres', 'redis-server']) expect(processesOf(part), part).not.toEqual([]);
    const processes = [{ pid: first.system.pid, command: 'npm start' }, ...processesOf('')];

    await first.system.end('SIGKILL');
    await expect.poll(() => processes.filter(({ pid }) => isAlive(pid)), waitMs).toEqual([]);
    const port = Number(new URL(first.system.url).port);
    expect(await isListening('127.0.0.1', port)).toBe(false);

    const second = await start(port);
    expect((await second.client.projects.list()).items.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    for (const { id, name } of projects) {
      const ask = await projectAt(second.system, { ...second, token, id });
      await expect.poll(() => ask('GET', '/session'), waitMs).toMatchObject({ status: 200 });
      expect(JSON.parse((await ask('GET', '/session')).text)).toMatchObject([{ title: `Session of ${name}` }]);
      expect(await second.client.files.read({ id, path: 'kept.txt' })).toMatchObject({ content: `File of ${name}` });
    }
  },
  4 * startTimeoutMs,
);
