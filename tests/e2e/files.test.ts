/**
 * The Files tab as a person uses it: browse, edit and save in a real browser, while other programs change the same files on
 * the volume. The file browser of the project is the real one. The tests depend on each other in their order.
 */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readAccessibilityTree } from '../support/accessibility-tree.ts';
import { expectAccessible } from '../support/axe.ts';
import { hasBrowser } from '../support/browser.ts';
import { checkGrowingFile, checkRefusals, checkSwaps, type FilesInPod } from '../support/files-in-pod.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { modelsFile, offlineOpenCode } from '../support/offline-opencode.ts';
import { titled, whyNot } from '../support/process-pods.ts';
import { screenOf } from '../support/screens.ts';
import { useStartedApp } from '../support/started-app.ts';

const missing = hasBrowser ? await whyNot('sandbox') : 'there is no Chromium';
const logo = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30"/></svg>';

/** Characters of JavaScript, not compressed. */
const maxFirstScripts = 535_000;

const execFileAsync = promisify(execFile);

const editorOf = (page: Page) => page.locator('.cm-content').first();
const entry = (page: Page, name: string) => page.getByRole('treeitem', { name: new RegExp(`^${name}(,|$)`) });
const saved = (page: Page) => page.getByText('Saved', { exact: true });
const tree = (page: Page) => page.getByRole('tree', { name: 'Files' });
/** What a screen reader has announced last. */
const announced = (page: Page, text: RegExp) => page.locator('output[aria-live="polite"]', { hasText: text });

describe.runIf(missing === null)(titled('the files of a project', missing), { timeout: 120_000 }, () => {
  const app = useStartedApp(offlineOpenCode);
  let repository: GitServer;
  let window: Awaited<ReturnType<typeof app.openWindow>>;
  let page: Page;
  let id: string;
  let project: string;
  /** The inputs of the subscriptions of the first window. */
  /** Subscriptions that one socket began again with the same files. */
  const repeated: string[] = [];

  const onVolume = (path: string) => join(project, path);
  const read = (path: string) => readFileSync(onVolume(path), 'utf8');
  const write = (path: string, content: string) => {
    mkdirSync(dirname(onVolume(path)), { recursive: true });
    writeFileSync(onVolume(path), content);
  };
  const open = (query: string, shown = page) => shown.goto(`${app.system.url}/projects/${id}/files${query}`);

  beforeAll(async () => {
    repository = await startGitServer({
      [modelsFile]: '{}',
      'README.md': '# Example\n',
      'src/main.ts': 'export const one = 1;\nexport const two = 2;\n',
      'src/windows.txt': 'one\r\ntwo\r\n',
      'src/lib/deep.ts': 'export const deep = true;\n',
      'logo.svg': logo,
    });
    const client = await app.client('user-a');
    ({ id } = await client.projects.create({ name: 'Example', repoUrl: repository.url }));
    window = await app.openWindow('user-a');
    ({ page } = window);
    page.setDefaultTimeout(15_000);
    page.on('websocket', (socket) => {
      let last = '';
      socket.on('framesent', ({ payload }) => {
        if (!payload.includes('files.onChange')) return;
        const input = payload.toString().replace(/"id":\d+,/, '');
        if (input === last) repeated.push(input);
        last = input;
      });
    });
    await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 50_000 });
    const volumes = join(app.system.dataDir, 'volumes');
    project = join(volumes, readdirSync(volumes)[0] ?? '', 'project');
  }, 90_000);
  afterAll(async () => {
    await repository?.close();
  });

  it('are browsed in a tree, edited and saved, and keep their line endings', async () => {
    await open('');
    await entry(page, 'src').click();
    await entry(page, 'windows.txt').click();
    await editorOf(page).click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('zero\n');
    await page.getByText('Unsaved changes').waitFor();
    await page.getByRole('button', { name: 'windows.txt, unsaved', exact: true }).waitFor();
    await page.keyboard.press('Control+s');
    await saved(page).waitFor();
    await announced(page, /^Saved\.$/).waitFor({ state: 'attached' });
    expect(read('src/windows.txt')).toBe('zero\r\none\r\ntwo\r\n');
    // The tree shows what git says about it.
    await page.getByRole('treeitem', { name: 'windows.txt, modified' }).waitFor({ timeout: 30_000 });
    await page.getByRole('treeitem', { name: 'src, contains changes' }).waitFor();
  });

  it('are a tree with levels and states for a screen reader, and an editor that the keyboard can leave', async () => {
    const nodes = await readAccessibilityTree(page);
    const item = (name: string) => nodes.find((node) => node.role === 'treeitem' && node.name === name);
    expect(item('src, contains changes')?.properties).toMatchObject({ level: 1, expanded: true, selected: false });
    expect(item('lib')?.properties).toMatchObject({ level: 2, expanded: false });
    expect(item('windows.txt, modified')?.properties).toMatchObject({ level: 2, selected: true });
    expect(nodes.find(({ role }) => role === 'tree')?.name).toBe('Files');
    // The tree is one stop of the Tab key.
    expect(await tree(page).locator(':scope [tabindex="0"], :scope button:not([tabindex="-1"])').count()).toBe(0);
    const editor = nodes.find(({ role, name }) => role === 'textbox' && name === 'windows.txt');
    expect(editor?.description).toContain('Press Escape and then Tab to leave the editor.');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await editorOf(page).evaluate((content) => content.contains(document.activeElement))).toBe(false);
    expect(read('src/windows.txt')).not.toContain('\t');
    await editorOf(page).focus();
  });

  it('appear in an open editor within a second after the agent has changed them, and the cursor stays', async () => {
    await page.keyboard.press('Control+End');
    const startedAt = performance.now();
    write('src/windows.txt', 'agent\r\nzero\r\none\r\ntwo\r\n');
    await editorOf(page).getByText('agent').waitFor();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await page.getByText('Line 5, column 1').waitFor();
    await saved(page).waitFor();
    await announced(page, /^“windows\.txt” was changed outside of this editor\. Its new text is shown\.$/).waitFor({
      state: 'attached',
    });
  });

  it('appear in the tree when they are created, and disappear when they are deleted', async () => {
    write('src/new\u202etxt.exe', 'new\n');
    await page.getByRole('treeitem', { name: String.raw`new\u{202e}txt.exe, added` }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: String.raw`Delete “new\u{202e}txt.exe”?` });
    await question.getByText(String.raw`src/new\u{202e}txt.exe`).waitFor();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'hidden' });
    rmSync(onVolume('src/new\u202etxt.exe'));
    await page.getByRole('treeitem', { name: /^new/ }).waitFor({ state: 'hidden' });
  });

  it('keep both texts when they were changed on both sides', async () => {
    await editorOf(page).click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('mine\n');
    write('src/windows.txt', 'theirs\r\n');
    await page.getByText('This file was changed outside of this editor').waitFor();
    await page.keyboard.press('Control+s');
    const dialog = page.getByRole('dialog', { name: '“windows.txt” was changed outside' });
    await dialog.getByLabel('The text on the volume, read-only').getByText('theirs').waitFor();
    await dialog.getByLabel('Your text').getByText('mine').waitFor();
    expect(read('src/windows.txt')).toBe('theirs\r\n');
    await expectAccessible(page, { onShown: screenOf(page, 'project-files-conflict') });
    expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true);
    const described = (await readAccessibilityTree(page)).find(({ role }) => role === 'dialog');
    expect(described?.description).toContain('Somebody or something changed this file after you opened it.');
    await dialog.getByLabel('Your text').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('merged');
    // What was typed in the dialog stays when it is closed.
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
    await editorOf(page).getByText('merged').waitFor();
    await page.keyboard.press('Control+s');
    await dialog.getByLabel('Your text').getByText('merged').waitFor();
    await dialog.getByRole('button', { name: 'Save the text on the right' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await saved(page).waitFor();
    expect(read('src/windows.txt')).toBe('agent\r\nzero\r\none\r\ntwo\r\nmine\r\nmerged');
  });

  it('that are unsaved survive a reload and a visit to another page, and close only after a question', async () => {
    await editorOf(page).click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type(' draft');
    await page.getByText('Unsaved changes').waitFor();
    page.once('dialog', (question) => void question.accept());
    await page.reload();
    await page.getByText('Your unsaved changes from before were restored.').waitFor();
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.getByText('Unsaved changes in 1 file are kept.').waitFor();
    await page.goBack();
    await editorOf(page).getByText('merged draft').waitFor();
    await page.getByRole('button', { name: 'Close windows.txt' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Do not save' }).click();
    await page.getByRole('button', { name: 'Close windows.txt' }).waitFor({ state: 'hidden' });
    expect(read('src/windows.txt')).toMatch(/merged$/);
  });

  it('are the same in two windows', async () => {
    const other = await window.context.newPage();
    await Promise.all([open('?file=README.md'), open('?file=README.md', other)]);
    await editorOf(page).getByText('# Example').waitFor();
    await editorOf(other).click();
    await other.keyboard.press('Control+End');
    await other.keyboard.type('from the other window');
    await other.keyboard.press('Control+s');
    await editorOf(page).getByText('from the other window').waitFor();
    await other.close();
  });

  it('lose nothing when the project is stopped during an edit', async () => {
    const client = await app.client('user-a');
    await editorOf(page).click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('before ');
    await client.projects.stop(id);
    await page.getByText('You can go on editing').waitFor({ timeout: 30_000 });
    await page.keyboard.type('and after ');
    await page.keyboard.press('Control+s');
    await page.getByText('Saved as soon as the project can be reached', { exact: true }).waitFor();
    await client.waitFor(id, ({ status }) => status === 'stopped', { timeoutMs: 30_000 });
    await page.getByRole('region', { name: 'Files' }).getByRole('button', { name: 'Start' }).click();
    await saved(page).waitFor({ timeout: 50_000 });
    expect(read('README.md')).toMatch(/^before and after # Example/);
  });

  it('can be saved without scrolling the page, in a low window too', async () => {
    for (const height of [800, 640]) {
      await page.setViewportSize({ width: 1280, height });
      await open('?file=src%2Fwindows.txt');
      await editorOf(page).getByText('one', { exact: true }).waitFor();
      const button = await page.getByRole('button', { name: 'Save', exact: true }).boundingBox();
      expect(await page.evaluate(() => document.documentElement.scrollTop)).toBe(0);
      expect((button?.y ?? Infinity) + (button?.height ?? 0)).toBeLessThanOrEqual(height);
      await screenOf(page, 'files-save')(String(height));
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('of five megabytes are edited and saved', async () => {
    const large = 'a line with "quotes" and ä\u{1f600}\r\n'.repeat(130_000);
    write('large.txt', large);
    await open('?file=large.txt');
    await editorOf(page).getByText('a line').first().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('first\n');
    await page.getByText('Unsaved changes').waitFor();
    await page.keyboard.press('Control+s');
    await saved(page).waitFor();
    expect(read('large.txt') === `first\r\n${large}`).toBe(true);
    rmSync(onVolume('large.txt'));
    await open('?file=README.md');
  });

  it('are uploaded and downloaded, and replaced only after a question', async () => {
    const choosing = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Upload files' }).click();
    const large = Buffer.alloc(1_300_000, 'a');
    await (
      await choosing
    ).setFiles([
      { name: 'README.md', mimeType: 'text/markdown', buffer: Buffer.from('replaced\n') },
      { name: 'large.bin', mimeType: 'application/octet-stream', buffer: large },
      { name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) },
    ]);
    await entry(page, 'large.bin, added').waitFor();
    await entry(page, 'empty.txt, added').waitFor();
    expect(readFileSync(onVolume('large.bin')).equals(large)).toBe(true);
    await page.getByText('A file with this name exists already.').waitFor();
    expect(read('README.md')).not.toContain('replaced');
    await page.getByRole('button', { name: 'Replace it' }).click();
    await editorOf(page).getByText('replaced').waitFor();
    await entry(page, 'large.bin, added').click({ button: 'right' });
    const downloading = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'Download' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('large.bin');
    expect(readFileSync(await download.path()).equals(large)).toBe(true);
  });

  it('are uploaded into the folder on which they are dropped', async () => {
    const dataTransfer = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['dropped'], 'dropped.txt'));
      return transfer;
    });
    await entry(page, 'src, contains changes').dispatchEvent('drop', { dataTransfer });
    await entry(page, 'dropped.txt, added').waitFor();
    expect(read('src/dropped.txt')).toBe('dropped');
  });

  it('are found by their name and by their text, and open at the line', async () => {
    await page.keyboard.press('Control+p');
    await page.getByRole('combobox', { name: 'Open a file by its name' }).fill('deep');
    await page.getByRole('option', { name: /deep\.ts/ }).waitFor();
    await page.keyboard.press('Enter');
    await editorOf(page).getByText('deep').waitFor();
    expect(new URL(page.url()).search).toBe('?file=src%2Flib%2Fdeep.ts');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByRole('textbox', { name: 'Search in all files' }).fill('EXPORT const two');
    await page.getByRole('list', { name: 'Results' }).getByRole('button').first().click();
    await page.getByText('Line 2, column 1').waitFor();
    expect(new URL(page.url()).searchParams.get('line')).toBe('2');
    await page.goBack();
    await editorOf(page).getByText('deep').waitFor();
  });

  it('show what has changed since the last commit', async () => {
    write('src/main.ts', 'export const one = 1;\nexport const two = 3;\n');
    await page.getByRole('button', { name: /^Changes/ }).click();
    await page.getByRole('button', { name: /main\.ts.*modified, 1 line added, 1 line removed/ }).click();
    const diff = page.getByRole('region', { name: 'Changes of src/main.ts' });
    await diff.getByRole('row', { name: /removed export const two = 2;/ }).waitFor();
    await diff.getByRole('row', { name: /added export const two = 3;/ }).waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-files-changes') });
    await page.setViewportSize({ width: 1280, height: 800 });
    await diff.getByRole('button', { name: 'Open line 2' }).last().click();
    await page.getByText('Line 2, column 1').waitFor();
  });

  it('show images without running what is in them', async () => {
    await open('?file=logo.svg');
    const image = page.getByRole('img', { name: 'logo.svg' });
    await expect
      .poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth), { timeout: 10_000 })
      .toBe(40);
  });

  it('are handled with the keyboard alone', async () => {
    await entry(page, 'README.md, modified').waitFor();
    await tree(page).focus();
    await page.keyboard.type('readme');
    await page.keyboard.press('F2');
    await page.getByRole('textbox', { name: 'Path in the project' }).waitFor();
    await page.keyboard.type('notes/GUIDE');
    await page.keyboard.press('Enter');
    await entry(page, 'GUIDE.md, added').waitFor();
    expect(read('notes/GUIDE.md')).toBe('replaced\n');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await tree(page).focus();
    await page.keyboard.type('guide');
    await page.keyboard.press('Enter');
    await editorOf(page).getByText('replaced').waitFor();
    await tree(page).focus();
    await page.keyboard.press('Delete');
    const question = page.getByRole('dialog', { name: 'Delete “GUIDE.md”?' });
    await question.getByText('notes/GUIDE.md').waitFor();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await entry(page, 'GUIDE.md').waitFor({ state: 'hidden' });
    expect(existsSync(onVolume('notes/GUIDE.md'))).toBe(false);
  });

  it('fit a phone, where tree and editor are two screens, and have no serious fault of accessibility', async () => {
    await open('?file=src/main.ts');
    await editorOf(page).getByText('export').first().waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-files') });
    await page.setViewportSize({ width: 375, height: 812 });
    expect(await tree(page).isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Back to the files' }).click();
    await tree(page).waitFor();
    expect(await editorOf(page).isVisible()).toBe(false);
    const height = await entry(page, 'src, contains changes').evaluate((row) => row.getBoundingClientRect().height);
    expect(height).toBeGreaterThanOrEqual(44);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('add nothing to the JavaScript that the projects page loads first', async () => {
    const first = await (await fetch(`${app.system.url}/projects`, { headers: { accept: 'text/html' } })).text();
    const paths = [...first.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map(([, path = '']) => path);
    const scripts = await Promise.all(paths.map(async (path) => (await fetch(`${app.system.url}${path}`)).text()));
    expect(scripts.filter((script) => script.includes('cm-editor'))).toEqual([]);
    const total = scripts.reduce((sum, { length }) => sum + length, 0);
    expect(total).toBeGreaterThan(100_000);
    expect(total).toBeLessThan(maxFirstScripts);
  });

  it('are followed by one subscription, which begins again only for other files', () => {
    // After the restart of the project, and after a visit to another page, it begins again with the same files.
    expect(repeated.length).toBeLessThan(3);
  });

  it('are worked on with a configuration that is checked, saved, applied, compared and restored', async () => {
    const client = await app.client('user-a');
    await page.goto(`${app.system.url}/projects/${id}/config`);
    await page.getByText('No configuration is saved yet').waitFor();
    await page.getByRole('textbox', { name: 'Model', exact: true }).fill('anthropic/claude-sonnet-4-5');
    await page.getByRole('combobox', { name: 'Change files' }).selectOption('ask');
    await page.getByRole('textbox', { name: 'Rules' }).fill('Be brief.');
    await page.getByRole('textbox', { name: 'Command pattern' }).fill('git status *');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Comment on this version' }).fill('Ask first');
    await expectAccessible(page, { onShown: screenOf(page, 'project-config-form') });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The project still uses the defaults of OpenCode').waitFor();
    await page.getByRole('button', { name: 'Apply now' }).click();
    const question = page.getByRole('dialog', { name: 'Apply version 1 now?' });
    await question.getByRole('button', { name: 'Apply now' }).click();
    await page.getByText('Version 1 is in use').waitFor({ timeout: 30_000 });
    const { document: first } = await client.config.get(id);
    expect(JSON.parse(first)).toEqual({
      model: 'anthropic/claude-sonnet-4-5',
      permission: { edit: 'ask', bash: { 'git status *': 'allow' } },
    });

    await page.getByRole('tab', { name: 'JSON' }).click();
    const type = async (text: string) => {
      await editorOf(page).click();
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(text);
    };
    await type('{"permission": {"edit": "maybe"}, "modell": "a/b"}');
    await page.getByRole('list', { name: 'Problems' }).getByText('permission.edit').waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await expectAccessible(page, { onShown: screenOf(page, 'project-config-json') });
    await type('{"permission": {"edit": "deny"}}');
    await client.config.save({ id, document: '{}', rules: '', baseVersion: 1 });
    await page.getByRole('button', { name: 'Save' }).click();
    const conflict = page.getByRole('dialog', { name: 'Version 2 was saved meanwhile' });
    await conflict.getByText('"deny"').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-config-conflict') });
    await conflict.getByRole('button', { name: 'Save my text as the next version' }).click();
    await conflict.waitFor({ state: 'hidden' });

    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.getByRole('button', { name: 'Show the changes of version 3' }).click();
    await page.getByRole('dialog').getByText('"deny"').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Restore version 1' }).click();
    await page.getByText('Same as version 1').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'project-config-versions') });
    expect(await client.config.get(id)).toMatchObject({ version: 4, document: first, rules: 'Be brief.' });
  });

  it('lead to nothing else by links, pipes, long names and swapped folders, also in the sandbox', async () => {
    const inPod =
      `--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev
       --tmpfs /tmp --ro-bind ${dirname(process.execPath)} /opt/node --setenv PATH /opt/node:/usr/bin
       --bind ${dirname(project)} /workspace --chdir /workspace/project sh -c`.split(/\s+/);
    const pod: FilesInPod = {
      client: await app.client('user-a'),
      id,
      outside: '/workspace/.home/beside',
      // The agent has the same folders at the same places.
      run: async (script) => (await execFileAsync('bwrap', [...inPod, script])).stdout,
      // The sandbox lets nobody open a device of a volume, so it is refused before it is known to be one.
      makeDevice: null,
    };
    await checkRefusals(pod);
    await checkSwaps(pod, 10);
    await checkGrowingFile(pod, 5);
  });

  it('are listed, 100,000 in a folder, and one of them is found by typing its name', async () => {
    const inProject = (script: string) => execFileAsync('sh', ['-c', script], { cwd: project });
    await inProject('mkdir many && cd many && seq 100000 | xargs touch');
    await open('');
    await entry(page, 'many').waitFor();
    if ((await entry(page, 'many').getAttribute('aria-expanded')) === 'false') await entry(page, 'many').click();
    // All fifty pages were read.
    await entry(page, '1').and(page.locator('[aria-setsize="100000"]')).waitFor({ timeout: 60_000 });
    await tree(page).focus();
    await page.keyboard.type('98765');
    await entry(page, '98765').waitFor();
    // Only what can be on the screen is in the page.
    expect(await page.getByRole('treeitem').count()).toBeLessThan(200);
    await inProject('rm -r many');
    await entry(page, 'many').waitFor({ state: 'hidden' });
  });

  it('cause no error in the console of the page', () => {
    expect(window.problems.filter((problem) => !/409|503|Failed to load resource/.test(problem))).toEqual([]);
  });
});
