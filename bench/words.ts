/**
 * P12: from a word of the model until a person sees it in the panel of a task, with the real OpenCode of `npm start` and a real Chromium.
 * Beside it, until the same word is in OpenCode's own events, read through the gateway: what OpenCode takes, nobody after it can save.
 */

import { request } from 'node:http';
import process from 'node:process';
import { createInterface } from 'node:readline';

import type { Page } from 'playwright-core';

import { createDeltaJoiner, parseEvent } from '../src/shared/opencode/opencode-events.ts';
import { signIn, startBrowser } from '../tests/support/browser.ts';
import { startFakeModel } from '../tests/support/fake-model.ts';
import { startGitServer } from '../tests/support/git-server.ts';
import { createSdkClient } from '../tests/support/sdk-client.ts';
import { createDataDir, startSystem } from '../tests/support/started-system.ts';
import { percentile, type Result, type Scale } from './measure.ts';

const wordsOf = (text: string) => [...text.matchAll(/\bw(\d+)\b/g)].map(([, index]) => Number(index));
const now = () => performance.timeOrigin + performance.now();

export async function measureWords({ quick }: Scale): Promise<Result> {
  const sentAt = new Map<string, number>();
  let round = 0;
  const model = await startFakeModel({ onWord: (index) => sentAt.set(`${round} ${index}`, now()) });
  const repository = await startGitServer({
    'opencode.json': JSON.stringify(model.config),
    'models.json': '{}',
  });
  const { dataDir, remove } = createDataDir();
  const system = await startSystem({
    dataDir,
    env: {
      EMBEDDED_RUNTIME: 'sandbox',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_MODELS_PATH: '/workspace/project/models.json',
    },
  });
  const browser = await startBrowser();
  const client = await createSdkClient(system, 'user-a');
  const stopping = new AbortController();
  const own: number[] = [];
  const screen: number[] = [];
  try {
    const { id } = await client.projects.create({ name: 'Words', repoUrl: repository.url });
    await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
    const { token } = await client.trpc.tokens.create.mutate({ name: 'Bench' });
    const target = {
      port: Number(new URL(system.url).port),
      host: new URL(await client.projects.open(id)).host,
      token,
    };
    followEvents(target, stopping.signal, (index) => own.push(now() - (sentAt.get(`${round} ${index}`) ?? Number.NaN)));
    const { page } = await signIn(browser, { url: system.url, user: 'user-a' });
    for (; round < (quick ? 1 : 3); round += 1) {
      const task = await client.tasks.create({ projectId: id, title: `Round ${round}` });
      await page.goto(`${system.url}/projects/${id}/tasks?task=${task.id}`);
      await page.getByRole('complementary', { name: `Task: Round ${round}` }).waitFor();
      await recordWords(page);
      const run = await client.runs.start({
        taskId: task.id,
        prompt: 'Please play:timed',
        idempotencyKey: `round-${round}`,
      });
      for await (const { type } of client.runs.output(run.id)) if (type === 'ended') break;
      const shown = await page.evaluate(() => (globalThis as unknown as { wordsAt: [number, number][] }).wordsAt);
      screen.push(...shown.map(([index, at]) => at - (sentAt.get(`${round} ${index}`) ?? Number.NaN)));
    }
  } finally {
    stopping.abort();
    await client.close();
    await browser.close();
    await system.end('SIGTERM');
    await repository.close();
    await model.close();
    remove();
  }
  return {
    id: 'P12',
    what: 'from a word of the model to the screen, p99',
    unit: 'ms',
    ours: percentile(screen, 0.99),
    baseline: null,
    budget: { atMost: 150 },
    details: {
      p50: percentile(screen, 0.5),
      "p50 to OpenCode's own event": percentile(own, 0.5),
      "p99 to OpenCode's own event": percentile(own, 0.99),
      samples: screen.length,
    },
  };
}

/** Notes when each word is in the page and the next frame is drawn. */
async function recordWords(page: Page): Promise<void> {
  await page.evaluate(() => {
    const wordsAt: [number, number][] = [];
    Object.assign(globalThis, { wordsAt });
    let next = 0;
    const look = () => {
      const shown = document.body.textContent;
      if (!shown.includes(`w${next} `)) return;
      const at = performance.timeOrigin + performance.now();
      for (; shown.includes(`w${next} `); next += 1) wordsAt.push([next, at]);
    };
    new MutationObserver(() => requestAnimationFrame(look)).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
}

function followEvents(
  { port, host, token }: { port: number; host: string; token: string },
  signal: AbortSignal,
  onWord: (index: number) => void,
): void {
  const headers = { host, authorization: `Bearer ${token}` };
  const sent = request({ host: '127.0.0.1', port, path: '/global/event', headers, signal }, (response) => {
    response.on('error', () => undefined); // it was aborted
    const join = createDeltaJoiner();
    const lines = createInterface({ input: response });
    lines.on('error', () => undefined); // as above
    lines.on('line', (line) => {
      if (!line.startsWith('data:')) return;
      const event = parseEvent(line.slice(5), join);
      if (event?.type === 'delta') for (const index of wordsOf(event.text)) onWord(index);
    });
  });
  sent.on('error', (error) => {
    if (!signal.aborted) process.stderr.write(`OpenCode's events: ${String(error)}\n`);
  });
  sent.end();
}
