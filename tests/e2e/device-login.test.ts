/** `opm login` without a token: a person confirms the code of the computer in a real browser. */

import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { expectAccessible } from '../support/axe.ts';
import { hasBrowser, openWindow } from '../support/browser.ts';
import { screenOf } from '../support/screens.ts';
import { useStartedApp } from '../support/started-app.ts';

const program = 'src/cli/opm.ts';

describe.runIf(hasBrowser)('the login of a computer', { timeout: 60_000 }, () => {
  const app = useStartedApp();
  let home: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'opm-'));
    env = { PATH: process.env['PATH'], HOME: home };
  });
  afterAll(() => rmSync(home, { recursive: true }));

  /** Runs `opm login`, and resolves when it shows its code. */
  async function startLogin() {
    const child = spawn(process.execPath, [program, 'login', app.system.url], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const code = await vi.waitFor(
      () => {
        const shown = /code=([A-Z]{4}-[A-Z]{4})/.exec(output)?.[1];
        if (shown === undefined) throw new Error(`There is no code: ${output}`);
        return shown;
      },
      { timeout: 20_000 },
    );
    return { code, ended, output: () => output };
  }

  it('leads from opm login to opm list, by a code that the person types', async () => {
    await (await app.client('user-a')).projects.create({ name: 'Shop' });
    const login = await startLogin();
    const { page, problems } = await app.openWindow('user-a', { path: '/device' });
    await page.getByRole('heading', { name: 'Log in a computer' }).waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'device-code') });
    await page.getByRole('textbox', { name: 'Code' }).fill('aeiou');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The code has eight letters').waitFor();
    await page.getByRole('textbox', { name: 'Code' }).fill('BBBB-BBBB');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('No computer waits with this code').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'device-unknown') });
    await page.getByRole('textbox', { name: 'Code' }).fill(login.code.toLowerCase().replace('-', ''));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'Log in this computer?' }).waitFor();
    for (const text of ['127.0.0.1', login.code]) await page.getByText(text, { exact: true }).waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'device-decision') });
    await page.getByRole('button', { name: 'Log in this computer' }).click();
    await page.getByRole('heading', { name: /is logged in$/ }).waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'device-done') });
    expect(await login.ended).toBe(0);
    expect(login.output()).toMatch(/^Logged in to .* as /m);
    const listed = await promisify(execFile)(process.execPath, [program, 'list'], { env });
    expect(listed.stdout).toMatch(/^Shop +/m);
    await page.getByRole('link', { name: 'Show access tokens' }).click();
    await page.getByText(/^opm on /).waitFor();
    expect(problems.filter((problem) => !problem.includes('404'))).toEqual([]);
  });

  it('shows the page of the code after the sign-in, and decides nothing by that', async () => {
    await promisify(execFile)(process.execPath, [program, 'logout'], { env });
    const login = await startLogin();
    const { page, context } = await openWindow(app.browser);
    await page.goto(`${app.system.url}/device?code=${login.code}`);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('User name').fill('user-b');
    await page.getByLabel('Password').fill('user-b');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'Log in this computer?' }).waitFor();
    const tokens = await (await app.client('user-b')).trpc.tokens.list.query();
    expect(tokens.filter(({ name }) => name.startsWith('opm on'))).toEqual([]);
    await page.getByRole('button', { name: 'Refuse' }).click();
    await page.getByRole('heading', { name: 'The login was refused' }).waitFor();
    expect(await login.ended).toBe(1);
    expect(login.output()).toContain('refused in the browser');
    expect(existsSync(join(home, '.config', 'opm', 'login.json'))).toBe(false);
    await context.close();
  });
});
