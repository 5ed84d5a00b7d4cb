/** What the page says about the age of its data while Redis or the Kubernetes API does not answer. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasBrowser, signIn, startBrowser, type BrowserWindow } from '../support/browser.ts';
import { createFaultyKubernetes, type FaultyKubernetes } from '../support/faulty-kubernetes.ts';
import { createOwnRedis, type OwnRedis } from '../support/own-services.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';
import { startQuickCluster, type QuickCluster } from '../support/worker-system.ts';

describe.runIf(hasBrowser)('the freshness of the page', { timeout: 60_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let cluster: QuickCluster;
  let kubernetes: FaultyKubernetes;
  let redis: OwnRedis;
  let system: StartedSystem;
  let browser: Browser;
  let window: BrowserWindow;

  beforeAll(async () => {
    [cluster, redis] = await Promise.all([startQuickCluster(), createOwnRedis()]);
    kubernetes = await createFaultyKubernetes(cluster.kubeconfigPath);
    const env = { REDIS_URL: redis.url, KUBECONFIG: kubernetes.kubeconfigPath };
    [system, browser] = await Promise.all([startSystem({ dataDir, env }), startBrowser()]);
    window = await signIn(browser, { url: system.url, user: 'user-a' });
    await window.page.getByRole('button', { name: 'New project' }).first().click();
    const dialog = window.page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Alpha');
    await dialog.getByRole('button', { name: 'Create project' }).click();
    await badge(window.page, 'Running').waitFor();
  });

  afterAll(async () => {
    await browser?.close();
    await system?.end('SIGKILL');
    await Promise.all([redis?.stop(), kubernetes?.stop()]);
    await cluster?.stop();
    remove();
  });

  const badge = (page: Page, text: string | RegExp) => page.locator('[data-status]', { hasText: text });
  const indicator = (page: Page, kind: string) => page.locator(`output[data-kind="${kind}"]`);
  const lastKnown = (page: Page) => badge(page, '(last known)');
  const untilNoneIsStale = (page: Page) => expect.poll(() => lastKnown(page).count(), { timeout: 15_000 }).toBe(0);

  it('is live while Redis and the Kubernetes API answer', async () => {
    await indicator(window.page, 'live').waitFor();
    expect(await lastKnown(window.page).count()).toBe(0);
  });

  it('shows the time of the last observation and marks badges as last known while Redis hangs, and still shows changes', async () => {
    const { page } = window;
    redis.freeze();
    await indicator(page, 'delayed').waitFor({ timeout: 20_000 });
    expect(await indicator(page, 'delayed').innerText()).toMatch(/^As of \d{1,2}:\d{2}/);
    await badge(page, /Running.*\(last known\)/).waitFor();
    await page.getByRole('button', { name: 'Actions for Alpha' }).click();
    await page.getByRole('menuitem', { name: 'Stop' }).click();
    await badge(page, /Stopped.*\(last known\)/).waitFor({ timeout: 20_000 });
    redis.thaw();
    await indicator(page, 'live').waitFor({ timeout: 20_000 });
    await untilNoneIsStale(page);
    await badge(page, 'Stopped').waitFor();
  });

  it('says that the cluster does not answer, and becomes live again without a reload', async () => {
    const { page } = window;
    await kubernetes.goAway();
    await indicator(page, 'unreachable').getByText('Cluster unreachable').waitFor();
    await badge(page, /Stopped.*\(last known\)/).waitFor();
    await kubernetes.comeBack();
    await indicator(page, 'live').waitFor();
    await untilNoneIsStale(page);
  });
});
