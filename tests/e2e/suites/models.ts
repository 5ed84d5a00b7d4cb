/** The settings pages of models: a person stores a key and removes it, and sees what was used. */

import { beforeAll, expect, it } from 'vitest';

import { findInstance } from '../../../src/embedded/running-instance.ts';
import { addModelUsage } from '../../../src/shared/node/db/model-usage-repository.ts';
import { expectAccessible } from '../../support/axe.ts';
import type { BrowserWindow } from '../../support/browser.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { screenOf } from '../../support/screens.ts';
import type { StartedApp } from '../../support/started-app.ts';

export function modelsSuite(app: StartedApp): void {
  let here: BrowserWindow;
  beforeAll(async () => {
    here = await app.openWindow('user-c', { path: '/settings/models' });
  });

  it('stores a key that the page never shows again, and removes it, by keyboard', async () => {
    const { page } = here;
    const row = page.getByRole('listitem').filter({ hasText: 'Anthropic' });
    await row.getByText('No key').waitFor();
    await row.getByRole('button', { name: 'Add key for Anthropic' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Your key for Anthropic' });
    await dialog.getByLabel(/^Key/).fill('too short');
    await page.keyboard.press('Enter');
    await dialog.getByText('This is too short for a key').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'settings-models-key') });
    await dialog.getByLabel(/^Key/).fill('sk-ant-planted-by-e2e-4242');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    await row.getByText('Your key ending in 4242').waitFor();
    expect(await page.content()).not.toContain('sk-ant-planted');
    await expectAccessible(page, { onShown: screenOf(page, 'settings-models') });

    await row.getByRole('button', { name: 'Remove the key for Anthropic' }).click();
    await page.getByRole('dialog', { name: 'Remove key' }).getByRole('button', { name: 'Remove key' }).click();
    await row.getByText('No key').waitFor();
  });

  it('shows what was used, and says what is unknown or estimated', async () => {
    const client = await app.client('user-c');
    const project = await client.projects.create({ name: 'Usage of models' });
    const { id: userId } = await client.trpc.auth.me.query();
    const db = openTestDatabase(findInstance(app.system.dataDir)?.databaseUrl ?? '', { poolSize: 1 });
    const entry = {
      userId,
      projectId: project.id,
      runId: null,
      provider: 'anthropic',
      keyOwner: 'installation',
      requests: 12,
      unmeasuredRequests: 0,
      unpricedRequests: 0,
      inputTokens: 1_284_000,
      cachedInputTokens: 960_000,
      cacheWriteTokens: 0,
      outputTokens: 42_500,
      costMicros: 4_490_000,
    } as const;
    await addModelUsage(db, { ...entry, model: 'large-1' });
    await addModelUsage(db, { ...entry, model: 'small-1', unmeasuredRequests: 2, unpricedRequests: 12, costMicros: 0 });
    await db.destroy();
    const { page } = here;
    await page.goto(`${app.system.url}/settings/usage`);
    await page.getByText('2 requests ended before the provider had said what it used').waitFor();
    const rows = page.getByRole('row');
    await rows.filter({ hasText: 'anthropic/small-1' }).getByText('unknown').waitFor();
    await rows.filter({ hasText: 'anthropic/large-1' }).getByText('$4.49').waitFor();
    await rows.filter({ hasText: 'Usage of models' }).getByText('at least $4.49').waitFor();
    await expectAccessible(page, { onShown: screenOf(page, 'settings-usage') });
    await client.projects.delete(project);
  });
}
