/**
 * Work in a project, as a person does it: create a project from a git server, open the real OpenCode in a browser, give it a
 * task, answer a permission request, use the terminal. The model is a stand-in on loopback. The tests depend on each other in
 * their order.
 */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { expectAccessible } from '../support/axe.ts';
import { hasBrowser } from '../support/browser.ts';
import { startFakeModel, type FakeModel } from '../support/fake-model.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { modelsFile, offlineOpenCode } from '../support/offline-opencode.ts';
import { titled, whyNot } from '../support/process-pods.ts';
import { screenOf } from '../support/screens.ts';
import { useStartedApp } from '../support/started-app.ts';

const missing = hasBrowser ? await whyNot('sandbox') : 'there is no Chromium';
const promptOf = (page: Page) => page.getByRole('textbox', { name: 'Prompt' });

/** Sends a prompt as soon as OpenCode has loaded its models. */
async function prompt(page: Page, text: string): Promise<void> {
  await page.getByRole('button', { name: 'Fake 1' }).waitFor();
  await promptOf(page).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** Creates a task on the tasks tab, and starts it. */
async function giveTask(page: Page, title: string, text: string): Promise<void> {
  await page.getByRole('button', { name: 'New task' }).click();
  await page.getByRole('textbox', { name: 'Title' }).fill(title);
  await page.getByRole('textbox', { name: 'What is to be done' }).fill(text);
  await page.getByRole('button', { name: 'Create and run' }).click();
}

describe.runIf(missing === null)(titled('a project that a person opens', missing), { timeout: 120_000 }, () => {
  const app = useStartedApp(offlineOpenCode);
  let model: FakeModel;
  let repository: GitServer;
  let window: Awaited<ReturnType<typeof app.openWindow>>;
  let page: Page;
  let openCode: Page;
  let id: string;
  let origin: string;

  beforeAll(async () => {
    model = await startFakeModel();
    repository = await startGitServer({
      'README.md': '# Example\n',
      'opencode.json': JSON.stringify(model.config),
      [modelsFile]: '{}',
    });
    window = await app.openWindow('user-a');
    ({ page } = window);
  });
  afterAll(async () => {
    await repository?.close();
    await model?.close();
  });

  it('is created with a repository and opened with one click, and shows the real OpenCode', async () => {
    await page.getByRole('button', { name: 'New project' }).first().click();
    await page.getByRole('textbox', { name: 'Name' }).fill('Example');
    await page.getByRole('textbox', { name: 'Repository URL' }).fill(repository.url);
    await page.getByRole('button', { name: 'Create project' }).click();
    await page.getByRole('article', { name: 'Example' }).locator('[data-status]', { hasText: 'Running' }).waitFor();
    const opening = window.context.waitForEvent('page');
    await page.getByRole('link', { name: 'Open Example in a new tab' }).click();
    openCode = await opening;
    openCode.setDefaultTimeout(30_000);
    await promptOf(openCode).waitFor();
    origin = new URL(openCode.url()).origin;
    const [project] = (await (await app.client('user-a')).projects.list()).items;
    id = project?.id ?? '';
    expect(new URL(origin).hostname).toBe(`p-${id}.localhost`);
  });

  it('lets the agent write and edit a file, and the diff shows exactly that file', async () => {
    await prompt(openCode, 'Please play:work');
    await openCode.getByText('The file is written.').waitFor();
    const diff = await openCode.evaluate(async () => {
      const directory = encodeURIComponent('/workspace/project');
      return (await fetch(`/vcs/diff?mode=git&directory=${directory}`)).json() as Promise<{ file: string }[]>;
    });
    expect(diff.map(({ file }) => file)).toEqual(['hello.txt']);
  });

  it('asks for a permission, and continues when it is given', async () => {
    await prompt(openCode, 'Please play:ask');
    await openCode.getByRole('button', { name: 'Allow once' }).click();
    await openCode.getByText('The command has run.').waitFor();
  });

  it('has a terminal in the folder of the repository', async () => {
    const connecting = openCode.waitForEvent('websocket', (socket) => socket.url().includes('/pty/'));
    await openCode.keyboard.press('Control+`');
    await (await connecting).waitForEvent('framereceived'); // the shell has printed its first line
    const terminal = openCode.getByRole('region', { name: 'Terminal' });
    await terminal.locator('textarea').pressSequentially('ls > listed.txt\n');
    await expect
      .poll(() => readFromVolume(app.system.dataDir, 'listed.txt'), { timeout: 20_000 })
      .toContain('permitted.txt');
    // While it is open, it follows and draws all that the agent does.
    await openCode.goto('about:blank');
  });

  it('is open to the SDK of OpenCode with a personal access token, as in the example', async () => {
    const client = await app.client('user-a');
    const { token } = await client.trpc.tokens.create.mutate({ name: 'Example' });
    const env = { ...process.env, URL: app.system.url, TOKEN: token };
    const { stdout } = await promisify(execFile)(process.execPath, ['examples/opencode-sdk.ts', id, 'play:hello'], {
      env,
    });
    expect(stdout).toBe('Hello from the model of the tests.\n');
  });

  it('is worked in from the command line: files both ways, and a task', async () => {
    const { token } = await (await app.client('user-a')).trpc.tokens.create.mutate({ name: 'opm' });
    const env = { ...process.env, OPM_URL: app.system.url, OPM_TOKEN: token };
    const opm = (...args: string[]) => promisify(execFile)(process.execPath, ['src/cli/opm.ts', ...args], { env });
    const folder = mkdtempSync(join(tmpdir(), 'opm-'));
    const bytes = randomBytes(100_000);
    writeFileSync(join(folder, 'up.bin'), bytes);
    await opm('cp', join(folder, 'up.bin'), 'Example:up.bin');
    await opm('cp', 'Example:up.bin', join(folder, 'down.bin'));
    expect(readFileSync(join(folder, 'down.bin')).equals(bytes)).toBe(true);
    await expect(opm('cp', 'Example:up.bin', join(folder, 'down.bin'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--replace'),
    });
    rmSync(folder, { recursive: true });
    expect((await opm('task', 'run', 'Example', 'Please play:hello')).stdout).toBe(
      'Hello from the model of the tests.\n',
    );
    expect((await opm('task', 'list', 'Example')).stdout).toMatch(/succeeded +Please play:hello/);
  });

  it('refuses everybody else', async () => {
    const other = await app.openWindow('user-b');
    const answer = await other.page.goto(`${origin}/session`);
    expect(answer?.status()).toBe(401);
    expect(await other.page.content()).not.toContain('play:work');
    await other.context.close();
    await expect((await app.client('user-b')).projects.open(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('works on a task that a person gives it, shows the work as it happens, and takes a follow-up', async () => {
    await page.goto(`${app.system.url}/projects/${id}/tasks`);
    await giveTask(page, 'Write the file', 'Please play:work');
    const panel = page.getByRole('complementary', { name: 'Task: Write the file' });
    await panel.getByText('The file is written.').waitFor();
    await panel.locator('[data-tone]', { hasText: 'Finished' }).waitFor();
    await panel.getByRole('button', { name: /edit/ }).first().click();
    await panel.locator('pre', { hasText: 'hello.txt' }).first().waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-task') });
    await panel.getByRole('textbox', { name: 'Follow-up to the agent' }).fill('Please play:hello');
    await panel.getByRole('button', { name: 'Send' }).click();
    await panel.getByText('Hello from the model of the tests.').waitFor();
  });

  it('shows what the agent has changed file by file, and merges it when the person accepts it', async () => {
    const review = page.getByRole('region', { name: 'Changes' });
    await review.getByRole('button', { name: /^hello\.txt ?, added/ }).click();
    await review.getByText('three', { exact: true }).waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-task-review') });
    await review.getByRole('button', { name: 'Accept' }).click();
    // The project has a file of the same name that is not committed.
    await review
      .getByRole('alert')
      .getByText(/hello\.txt/)
      .waitFor();
    await (await app.client('user-a')).files.delete({ id, path: 'hello.txt' });
    await review.getByRole('button', { name: 'Accept' }).click();
    await page.getByRole('heading', { name: /^Accepted changes/ }).waitFor();
    expect(readFromVolume(app.system.dataDir, 'hello.txt')).toBe('one\nthree\n');
  });

  it('asks in the task for a permission, which another window can give', async () => {
    await giveTask(page, 'Run the command', 'Please play:ask');
    await page.getByRole('region', { name: 'The agent asks for a permission' }).waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-task-permission') });
    const list = await app.openWindow('user-a', { path: '/projects' });
    const notice = list.page.getByRole('link', { name: /1 run waits for your answer/ });
    await notice.waitFor();
    // An hour later the time limit has passed.
    await list.page.clock.setSystemTime(Date.now() + 3_600_000);
    await list.page.reload();
    await list.page.getByRole('link', { name: /Waits for your answer/ }).waitFor();
    expect(await list.page.title()).toMatch(/^\(1\) Waits for you/);
    await expectAccessible(list.page, { onShown: screenOf(list.page, 'projects-waiting') });
    const other = await app.openWindow('user-a', { path: `/projects/${id}/tasks` });
    const card = other.page.getByRole('listitem').filter({ hasText: 'Run the command' });
    await card.locator('[data-tone]', { hasText: 'Needs your answer' }).waitFor();
    await card.getByRole('button', { name: 'Allow once' }).click();
    await page.getByText('The command has run.').waitFor();
    await page.getByRole('region', { name: 'The agent asks for a permission' }).waitFor({ state: 'detached' });
    await notice.waitFor({ state: 'detached' });
    for (const { context } of [list, other]) await context.close();
  });

  it('ends the work on a task when the person aborts it', async () => {
    await giveTask(page, 'Talk for ever', 'Please play:endless');
    const panel = page.getByRole('complementary', { name: 'Task: Talk for ever' });
    await panel.getByText(/word word word/).waitFor();
    await panel.getByRole('button', { name: 'Abort' }).click();
    await panel.locator('[data-tone]', { hasText: 'Aborted' }).waitFor();
  });

  it('keeps session and files when the project is stopped and started', async () => {
    const client = await app.client('user-a');
    await client.projects.stop(id);
    await client.waitFor(id, ({ status }) => status === 'stopped', { timeoutMs: 30_000 });
    await openCode.goBack();
    await openCode.getByRole('button', { name: 'Start' }).click();
    // The page of the gateway continues by itself.
    await promptOf(openCode).waitFor({ timeout: 60_000 });
    const sessions = await openCode.evaluate(async () => {
      const directory = encodeURIComponent('/workspace/project');
      return (await fetch(`/session?directory=${directory}`)).json() as Promise<{ title: string }[]>;
    });
    expect(sessions.map(({ title }) => title)).toContain('A test');
    expect(readFromVolume(app.system.dataDir, 'hello.txt')).toBe('one\nthree\n');
  });

  it('ends the open stream within five seconds after a sign-out', async () => {
    const ended = openCode.evaluate(async () => {
      const { body } = await fetch('/global/event');
      const reader = body?.getReader();
      await reader?.read();
      document.title = 'streaming';
      for (;;) {
        const { done } = (await reader?.read().catch(() => ({ done: true }))) ?? { done: true };
        if (done) return Date.now();
      }
    });
    await openCode.waitForFunction(() => document.title === 'streaming');
    await page.getByRole('button', { name: /Account/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    const signedOutAt = Date.now();
    expect((await ended) - signedOutAt).toBeLessThan(5_000);
    expect((await openCode.reload())?.status()).toBe(401);
  });
});

/** A file of the repository. The system has one volume, because it has one project. */
function readFromVolume(dataDir: string, path: string): string {
  const volumes = join(dataDir, 'volumes');
  const [volume = ''] = readdirSync(volumes);
  return readFileSync(join(volumes, volume, 'project', path), 'utf8');
}
