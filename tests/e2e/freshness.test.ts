import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasBrowser, signIn, startBrowser, type Person } from '../support/browser.ts';
import { createFaultyKubernetes, type FaultyKubernetes } from '../support/faulty-kubernetes.ts';
import { createOwnRedis, type OwnRedis } from '../support/own-services.ts';
import { createDataDir, startSystem, type StartedSystem } from '../support/started-system.ts';
import { startQuickCluster, type QuickCluster } from '../support/worker-system.ts';

describe.runIf(hasBrowser)('what a person sees of the freshness of the page', { timeout: 60_000 }, () => {
  const { dataDir, remove } = createDataDir();
  let cluster: QuickCluster;
  let kubernetes: FaultyKubernetes;
  let redis: OwnRedis;
  let system: StartedSystem;
  let browser: Browser;
  let person: Person;

  beforeAll(async () => {
    [cluster, redis] = await Promise.all([startQuickCluster(), createOwnRedis()]);
    kubernetes = await createFaultyKubernetes(cluster.kubeconfigPath);
    const env = { REDIS_URL: redis.url, KUBECONFIG: kubernetes.kubeconfigPath };
    [system, browser] = await Promise.all([startSystem({ dataDir, env }), startBrowser()]);
    person = await signIn(browser, { url: system.url, user: 'user-a' });
    await person.page.getByRole('button', { name: 'New project' }).first().click();
    const dialog = person.page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Alpha');
    await dialog.getByRole('button', { name: 'Create project' }).click();
    await badge(person.page, 'Running').waitFor();
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
  const untilGone = (page: Page) => expect.poll(() => lastKnown(page).count(), { timeout: 15_000 }).toBe(0);

  it('is live while every change is shown as it happens', async () => {
    await indicator(person.page, 'live').waitFor();
    expect(await lastKnown(person.page).count()).toBe(0);
  });

  it('says as of when, and calls no badge live, while Redis hangs; changes are shown within seconds all the same', async () => {
    const { page } = person;
    redis.freeze();
    await indicator(page, 'delayed').waitFor({ timeout: 20_000 });
    expect(await indicator(page, 'delayed').innerText()).toMatch(/^As of \d{1,2}:\d{2}/);
    await badge(page, /Running.*\(last known\)/).waitFor();
    await page.getByRole('button', { name: 'Actions for Alpha' }).click();
    await page.getByRole('menuitem', { name: 'Stop' }).click();
    await badge(page, /Stopped.*\(last known\)/).waitFor({ timeout: 20_000 });
    redis.thaw();
    await indicator(page, 'live').waitFor({ timeout: 20_000 });
    await untilGone(page);
    await badge(page, 'Stopped').waitFor();
  });

  it('says that the cluster does not answer, and that it is back, without a reload', async () => {
    const { page } = person;
    await kubernetes.goAway();
    await indicator(page, 'unreachable').getByText('Cluster unreachable').waitFor();
    await badge(page, /Stopped.*\(last known\)/).waitFor();
    await kubernetes.comeBack();
    await indicator(page, 'live').waitFor();
    await untilGone(page);
  });
});
