/**
 * P13: how long the main thread of Chromium needs for a frame on the largest pages: a folder of 10,000 entries, a text of 5 MB, and a board
 * of 300 tasks. Each page is used as a person uses it. Beside it, a page without scripts that shows as many lines as plain HTML.
 * The time is that of the thread, because other programs of a busy machine make each frame late.
 */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import type { Browser, Page } from 'playwright-core';

import { taskStates } from '../src/shared/contract/tasks.ts';
import type { Client } from '../src/shared/sdk/client.ts';
import { signIn, startBrowser } from '../tests/support/browser.ts';
import { startGitServer } from '../tests/support/git-server.ts';
import { createSdkClient } from '../tests/support/sdk-client.ts';
import { createDataDir, startSystem } from '../tests/support/started-system.ts';
import type { Result, Scale } from './measure.ts';
import { askForEachFrame, traced, type Frames } from './trace.ts';

const entries = 10_000;
const textBytes = 5_000_000;
const tasks = 300;
const budget = { atMost: 100 };

type Step = (name: string) => Promise<void>;

interface World {
  url: string;
  client: Client;
  id: string;
  /** The folder of the project on its volume. */
  folder: string;
  browser: Browser;
  page: Page;
  rounds: number;
}

export async function measureFrames({ quick }: Scale): Promise<Result[]> {
  const repository = await startGitServer({ 'README.md': '# Frames\n' });
  const { dataDir, remove } = createDataDir();
  const system = await startSystem({
    dataDir,
    env: { EMBEDDED_RUNTIME: 'sandbox', OPENCODE_DISABLE_MODELS_FETCH: '1', RATE_LIMIT_PER_MINUTE: '100000' },
  });
  const browser = await startBrowser();
  const client = await createSdkClient(system, 'user-a');
  try {
    const { id } = await client.projects.create({ name: 'Frames', repoUrl: repository.url });
    await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
    const volumes = join(dataDir, 'volumes');
    const folder = join(volumes, readdirSync(volumes)[0] ?? '', 'project');
    const results: Result[] = [];
    for (const measure of [measureTree, measureText, measureBoard]) {
      const { page, context } = await signIn(browser, { url: system.url, user: 'user-a' });
      await askForEachFrame(page);
      results.push(await measure({ url: system.url, client, id, folder, browser, page, rounds: quick ? 1 : 3 }));
      await context.close();
    }
    return results;
  } finally {
    await client.close();
    await browser.close();
    await system.end('SIGTERM');
    await repository.close();
    remove();
  }
}

async function measureTree({ url, id, folder, browser, page, rounds }: World): Promise<Result> {
  mkdirSync(join(folder, 'many'));
  const names = Array.from({ length: entries }, (_, index) => `entry-${index}.ts`);
  for (const name of names) writeFileSync(join(folder, 'many', name), '');
  const { press } = actionsOf(page);
  const round = async (step: Step, index: number): Promise<void> => {
    const listed = (count: number) => page.locator(`[role=treeitem][aria-setsize="${count}"]`).first().waitFor();
    await step('open');
    await page.goto(`${url}/projects/${id}/files`);
    const many = page.locator('[role=treeitem][data-path=many]');
    await many.waitFor();
    await step('expand');
    if ((await many.getAttribute('aria-expanded')) === 'false') await many.click();
    await listed(entries + index);
    await step('scroll');
    await page.locator('[role=tree]').hover();
    await scroll(page, '[role=tree]');
    await step('keys');
    await page.locator('[role=tree]').focus();
    await press([
      'Home',
      'End',
      'Home',
      ...Array<string>(20).fill('ArrowDown'),
      'PageDown',
      'PageDown',
      ...letters('entry-77'),
    ]);
    await step('change');
    writeFileSync(join(folder, 'many', `new-${index}.ts`), '');
    await listed(entries + index + 1);
    await step('quick open');
    await press(['Control+p', ...letters('entry-88'), 'ArrowDown', 'ArrowDown']);
    await page.locator('[role=option]').first().waitFor();
    await press(['Escape']);
  };
  const what = `a folder of ${entries.toLocaleString('en')} entries: open, scroll, keys, a change, quick open`;
  return resultOf('P13a', what, await roundsOf(browser, page, rounds, round), await bareFrames(browser, 'li', names));
}

async function measureText({ url, id, folder, browser, page, rounds }: World): Promise<Result> {
  const lines: string[] = [];
  for (let length = 0; length < textBytes; length += (lines.at(-1)?.length ?? 0) + 1) {
    lines.push(
      `export const value${lines.length} = { name: 'line ${lines.length}', isKnown: true }; // a line of code`,
    );
  }
  writeFileSync(join(folder, 'large.ts'), `${lines.slice(0, -1).join('\n')}\n`);
  const { press } = actionsOf(page);
  const round = async (step: Step): Promise<void> => {
    await step('open');
    await page.goto(`${url}/projects/${id}/files?file=large.ts`);
    await page.locator('.cm-line', { hasText: 'value0 ' }).waitFor();
    await step('scroll');
    await page.locator('.cm-scroller').hover();
    await scroll(page, '.cm-scroller');
    await step('type');
    await page.locator('.cm-content').focus();
    await press([
      'Control+Home',
      ...letters('const typed = 1;'),
      'Enter',
      'Control+End',
      ...letters('const last = 2;'),
      'Control+s',
    ]);
    await page.getByText('Saved', { exact: true }).waitFor();
    await step('search');
    await press(['Control+f', ...letters(`value${lines.length - 5}`), 'Enter', 'Enter']);
    await page.locator('.cm-searchMatch-selected').waitFor();
    await press(['Control+a', ...letters('nowhere'), 'Enter', 'Enter', 'Escape']);
    await step('read again');
    writeFileSync(join(folder, 'large.ts'), `// a change outside\n${lines.slice(0, -1).join('\n')}\n`);
    await press(['Control+Home']);
    await page.locator('.cm-line', { hasText: 'a change outside' }).waitFor();
    writeFileSync(join(folder, 'large.ts'), `${lines.slice(0, -1).join('\n')}\n`);
  };
  const what = 'a text of 5 MB in the editor: open, scroll, type, save, search, a change outside';
  return resultOf('P13b', what, await roundsOf(browser, page, rounds, round), await bareFrames(browser, 'div', lines));
}

async function measureBoard({ url, client, browser, page, rounds }: World): Promise<Result> {
  const { id: projectId } = await client.projects.create({ name: 'Board' });
  await client.projects.stop(projectId);
  const titles = Array.from({ length: tasks }, (_, index) => `Task ${index}: repair what the title says, on two lines`);
  for (const [index, title] of titles.entries()) {
    // Every second one is to do.
    const state = index % 2 === 0 ? 'TODO' : taskStates[Math.floor(index / 2) % taskStates.length];
    await client.tasks.create({ projectId, title, priority: 'high', ...(state !== undefined && { state }) });
  }
  const { press } = actionsOf(page);
  const column = (state: string) => page.locator(`[data-column="${state}"]`);
  const round = async (step: Step): Promise<void> => {
    await step('open');
    await page.goto(`${url}/projects/${projectId}/tasks`);
    await page.locator('[data-task-id]').first().waitFor();
    await step('scroll');
    await column('TODO').hover();
    await scroll(page, '[data-column=TODO] [data-cards]', 40);
    await step('keys');
    await column('TODO').locator('[data-task-id] a').last().focus();
    await press(['ArrowUp', 'ArrowUp', ' ', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowRight', ' ']);
    await step('drag');
    await dragOver(page);
    await step('changes of another client');
    const items = await client.tasks.list(projectId);
    for (const [index, { id }] of items.slice(0, 20).entries()) {
      const title = `Changed ${performance.now()} ${index}`;
      await client.tasks.update({ id, title });
      await page.getByText(title, { exact: true }).first().waitFor({ state: 'attached' });
    }
    await step('filter');
    await page.locator('search input').first().focus();
    await press([...letters('task 1')]);
    await page.locator('output', { hasText: 'found' }).waitFor();
  };
  const what = `a board of ${tasks} tasks: open, scroll, move by keys and by pointer, changes of another client, filter`;
  return resultOf('P13c', what, await roundsOf(browser, page, rounds, round), await bareFrames(browser, 'li', titles));
}

/** Drags the first card over the other columns to the lower edge of the first one, which scrolls. */
async function dragOver(page: Page): Promise<void> {
  await page.locator('[data-column=TODO] [data-cards]').evaluate((list) => list.scrollTo(0, 0));
  const from = await page.locator('[data-column=TODO] [data-task-id]').first().boundingBox();
  const list = await page.locator('[data-column=TODO] [data-cards]').boundingBox();
  const to = await page.locator('[data-column=DONE] [data-cards]').boundingBox();
  if (from === null || list === null || to === null) throw new Error('The board is not in view.');
  const bottom = Math.min(list.y + list.height, 790) - 8;
  await page.mouse.move(from.x + 30, from.y + 14);
  await page.mouse.down();
  await page.mouse.move(to.x + 30, to.y + 100, { steps: 25 });
  await page.mouse.move(from.x + 30, bottom, { steps: 25 });
  await page.mouse.move(to.x + 30, to.y + 150, { steps: 25 });
  await page.mouse.up();
}

const letters = (text: string): string[] => Array.from(text);

const actionsOf = (page: Page) => ({
  async press(keys: readonly string[]): Promise<void> {
    for (const key of keys) await page.keyboard.press(key);
  },
});

/** By the wheel, and then to the end and back, as with the bar. */
async function scroll(page: Page, selector: string, turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await page.mouse.wheel(0, 700);
  for (const share of [1, 0.5, 0]) {
    await page
      .locator(selector)
      .first()
      .evaluate(async (element, to) => {
        element.scrollTop = element.scrollHeight * to;
        await new Promise((resolve) => void requestAnimationFrame(() => requestAnimationFrame(resolve)));
      }, share);
  }
}

async function roundsOf(
  browser: Browser,
  page: Page,
  rounds: number,
  work: (step: Step, round: number) => Promise<void>,
): Promise<Frames> {
  const all: Frames = { frames: [], tasks: [] };
  for (let round = 0; round < rounds; round += 1) {
    const { frames, tasks: found } = await traced(browser, page, (step) => work(step, round));
    all.frames.push(...frames);
    all.tasks.push(...found);
  }
  return all;
}

/** A page that shows the lines as plain HTML. */
async function bareFrames(browser: Browser, tag: string, lines: readonly string[]): Promise<Frames> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.evaluate(() => {
    const next = (): void => void requestAnimationFrame(next);
    next();
  });
  const html = `<main>${lines.map((line) => `<${tag}>${line}</${tag}>`).join('')}</main>`;
  const frames = await traced(browser, page, async (step) => {
    await step('open');
    await page.evaluate((content) => {
      document.body.innerHTML = content;
    }, html);
    await scroll(page, 'html');
  });
  await page.close();
  return frames;
}

const most = (values: { cpuMs: number; wallMs: number }[], of: 'cpuMs' | 'wallMs') =>
  Math.max(...values.map((value) => value[of]));

function resultOf(id: string, what: string, { frames, tasks: found }: Frames, bare: Frames): Result {
  const steps = [...new Set(frames.map(({ step }) => step))];
  const byStep = steps.map((step) => {
    const own = frames.filter((frame) => frame.step === step);
    return `${step} ${most(own, 'cpuMs').toFixed(0)} (${most(own, 'wallMs').toFixed(0)})`;
  });
  for (const task of found.filter(({ cpuMs }) => cpuMs > 50)) {
    process.stdout.write(`${id} ${task.step}: a task of ${task.cpuMs.toFixed(0)} ms: ${task.parts}\n`);
  }
  return {
    id,
    what: `longest frame of ${what}`,
    unit: 'ms of the thread',
    ours: most(frames, 'cpuMs'),
    baseline: null,
    budget,
    details: {
      'in wall time': most(frames, 'wallMs'),
      'longest task': most(found, 'cpuMs'),
      'in wall time ': most(found, 'wallMs'),
      'frames over 100 ms': frames.filter(({ cpuMs }) => cpuMs > 100).length,
      'frames over 50 ms': frames.filter(({ cpuMs }) => cpuMs > 50).length,
      frames: frames.length,
      'by step (in wall time)': byStep.join('; '),
      'plain HTML': most(bare.frames, 'cpuMs'),
    },
  };
}
