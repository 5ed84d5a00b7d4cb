/**
 * `opm shell`: the terminal of a project in the terminal of a person, with the real OpenCode behind the gateway. The tests depend on
 * each other in their order: the last one ends the installation.
 */

import { execFile, spawn } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { createProjectOrigin } from '../../src/cli/project-origin.ts';
import type { Client } from '../../src/shared/sdk/client.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { modelsFile, offlineOpenCode } from '../support/offline-opencode.ts';
import { titled, whyNot } from '../support/process-pods.ts';
import { openPseudoTerminal, type PseudoTerminal } from '../support/pseudo-terminal.ts';
import { createSdkClient } from '../support/sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';

const missing = await whyNot('sandbox');
const program = 'src/cli/opm.ts';
const size = { rows: 33, cols: 111 };

describe.runIf(missing === null)(titled('opm shell', missing), { timeout: 60_000 }, () => {
  const data = createDataDir();
  let system: StartedSystem;
  let repository: GitServer;
  let client: Client;
  let projectId: string;
  let env: NodeJS.ProcessEnv;
  const terminals: PseudoTerminal[] = [];

  beforeAll(async () => {
    repository = await startGitServer({ 'README.md': '# Example\n', [modelsFile]: '{}' });
    system = await startSystem({ dataDir: data.dataDir, env: offlineOpenCode });
    client = await createSdkClient(system, 'user-a');
    const { token } = await client.trpc.tokens.create.mutate({ name: 'opm' });
    env = { ...process.env, OPM_URL: system.url, OPM_TOKEN: token };
    const created = await client.projects.create({
      name: 'Shop',
      repoUrl: repository.url,
      idempotencyKey: crypto.randomUUID(),
    });
    projectId = created.id;
    await client.waitFor(projectId, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
  }, 120_000);
  afterAll(async () => {
    for (const terminal of terminals) terminal.kill();
    await client?.close();
    await system?.end('SIGKILL');
    await repository?.close();
    data.remove();
  });

  function openShell(args = 'Shop'): PseudoTerminal {
    const terminal = openPseudoTerminal(`${process.execPath} ${program} shell ${args}`, { env, ...size });
    terminals.push(terminal);
    return terminal;
  }

  const opm = (...args: string[]) => promisify(execFile)(process.execPath, [program, ...args], { env });

  /** What the project itself says about its use, and the terminals of its OpenCode. */
  async function ask<Answer>(path: string): Promise<Answer> {
    const { origin } = new URL(await client.projects.open(projectId));
    const project = createProjectOrigin({ origin, token: env['OPM_TOKEN'] ?? '' });
    return JSON.parse(await project.send(path, { signal: AbortSignal.timeout(10_000) })) as Answer;
  }
  const activity = () => ask<{ uses: number; openTerminals: number; runningCommands: number }>('/activity');
  const hasNoTerminals = () => vi.waitFor(async () => expect(await ask('/pty')).toEqual([]), { timeout: 10_000 });

  it('is a terminal in the folder of the repository, as large as the one of the person', async () => {
    const terminal = openShell();
    await terminal.shows(/project[#$] /, { timeout: 40_000 });
    terminal.enter('ls; stty size');
    await terminal.shows(/README\.md[^]*33 111\r/);
    await terminal.resize({ rows: 20, cols: 90 });
    const since = terminal.screen().length;
    await vi.waitFor(
      async () => {
        terminal.enter('stty size');
        await terminal.shows(/20 90\r/, { since, timeout: 500 });
      },
      { timeout: 10_000 },
    );
    terminal.enter('exit 3');
    expect(await terminal.ended).toEqual({ code: 3, isRestored: true });
    await hasNoTerminals();
  });

  it('gives Ctrl-C to what runs in the project, and typing there is a use', async () => {
    const terminal = openShell();
    await terminal.shows(/project[#$] /);
    const before = await activity();
    expect(before).toMatchObject({ openTerminals: 1, runningCommands: 0 });
    terminal.enter('sleep 1000');
    await vi.waitFor(async () => expect(await activity()).toMatchObject({ runningCommands: 1 }), { timeout: 10_000 });
    expect((await activity()).uses).toBeGreaterThan(before.uses);
    terminal.type('\u0003');
    await vi.waitFor(async () => expect(await activity()).toMatchObject({ runningCommands: 0 }), { timeout: 10_000 });
    terminal.enter('exit $?');
    expect(await terminal.ended).toEqual({ code: 130, isRestored: true });
  });

  it('runs one command, prints its output as it is, and ends with its exit code', async () => {
    const script = 'pwd; printf "%s\\n" "$1"; cat; echo problem >&2; exit 7';
    await expect(opm('shell', 'Shop', '--', 'sh', '-c', script, 'sh', 'two  words "and" $HOME')).rejects.toMatchObject({
      code: 7,
      stdout: '/workspace/project\ntwo  words "and" $HOME\nproblem\n',
      stderr: '',
    });
    expect((await opm('shell', 'Shop', '--', 'seq', '100000')).stdout.split('\n').length).toBe(100_001);
    await expect(opm('shell', 'Shop', '--', 'no-such-program')).rejects.toMatchObject({ code: 127 });
    await hasNoTerminals();
  });

  it('keeps an idle project awake while a command runs, and Ctrl-C ends it', async () => {
    const child = spawn(process.execPath, [program, 'shell', 'Shop', '--', 'sh', '-c', 'echo begun; sleep 1000'], {
      env,
    });
    const begun = new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await begun;
    expect((await activity()).runningCommands).toBeGreaterThan(0);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    await hasNoTerminals();
  });

  it('ends a command whose output nobody reads any more', async () => {
    const endless = 'while echo y; do sleep 0.02; done';
    const line = `${process.execPath} ${program} shell Shop -- sh -c '${endless}' | head -1`;
    expect((await promisify(execFile)('/bin/sh', ['-c', line], { env })).stdout).toBe('y\n');
    await hasNoTerminals();
  });

  it('restores the terminal and closes the remote one when it is ended by a signal', async () => {
    const terminal = openShell();
    await terminal.shows(/project[#$] /);
    terminal.signal('SIGTERM');
    expect(await terminal.ended).toEqual({ code: 143, isRestored: true });
    await hasNoTerminals();
  });

  it('needs a terminal or a command, and a project of the person', async () => {
    await expect(opm('shell', 'Shop')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('command') });
    const stranger = await createSdkClient(system, 'user-b');
    const { token } = await stranger.trpc.tokens.create.mutate({ name: 'opm' });
    await stranger.close();
    const options = { env: { ...env, OPM_TOKEN: token } };
    const refused = promisify(execFile)(process.execPath, [program, 'shell', projectId, '--', 'true'], options);
    await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^[A-Z].*project.*\.\n$/) });
  });

  it('says that the project was stopped meanwhile, and how to start it', async () => {
    const terminal = openShell();
    await terminal.shows(/project[#$] /);
    await client.projects.stop(projectId);
    await terminal.shows(/Shop is stopp(?:ing|ed)\..*opm start/);
    expect(await terminal.ended).toEqual({ code: 1, isRestored: true });
    await client.waitFor(projectId, ({ status }) => status === 'stopped');
    await expect(opm('shell', 'Shop', '--', 'true')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Shop is stopped\..*--start.*opm start/),
    });
  });

  it('starts the project first with --start', async () => {
    expect((await opm('shell', 'Shop', '--start', '--', 'echo', 'here')).stdout).toBe('here\n');
  });

  it('restores the terminal and says what to do when the connection is lost', async () => {
    const terminal = openShell();
    await terminal.shows(/project[#$] /);
    await system.end('SIGKILL');
    expect(await terminal.ended).toEqual({ code: 1, isRestored: true });
    await terminal.shows(/The connection to Shop was lost\. Run "opm shell" again/);
  });
});
