/** `npm start` and a browser, started once for all suites of a test file. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

import type { Client } from '../../src/shared/sdk/client.ts';
import { hasBrowser, signIn, signInByHand, startBrowser, type BrowserWindow } from './browser.ts';
import { createSdkClient } from './sdk-client.ts';
import { createDataDir, startSystem, type StartedSystem } from './started-system.ts';

export interface StartedApp {
  /** Started before the first test. */
  system: StartedSystem;
  browser: Browser;
  /** The SDK client of a development user. It is closed after the last test. */
  client(user: string): Promise<Client>;
  /** Signs the user in, without the pages for it unless `byHand` is set. The window is open until `closeWindows` or the last test. */
  openWindow(user: string, options?: { path?: string; byHand?: boolean }): Promise<BrowserWindow>;
  /** Closes all windows. An open one follows every change, and draws it. */
  closeWindows(): Promise<void>;
}

/**
 * Registers the hooks that start and stop the program. Call it in a `describe`.
 * @param env environment variables for the program
 */
export function useStartedApp(env: Record<string, string> = {}): StartedApp {
  const { dataDir, remove } = createDataDir();
  const clients = new Map<string, Promise<Client>>();
  let system: StartedSystem | undefined;
  let browser: Browser | undefined;

  beforeAll(async () => {
    [system, browser] = await Promise.all([startSystem({ dataDir, env }), hasBrowser ? startBrowser() : undefined]);
  });
  afterAll(async () => {
    for (const client of clients.values()) await (await client).close();
    await browser?.close();
    await system?.end('SIGKILL');
    remove();
  });

  const started = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error('The app has not been started yet. Use it in hooks and tests only.');
    return part;
  };
  return {
    get system() {
      return started(system);
    },
    get browser() {
      return started(browser);
    },
    client(user) {
      const client = clients.get(user) ?? createSdkClient(started(system), user);
      clients.set(user, client);
      return client;
    },
    openWindow(user, { path = '/projects', byHand = false } = {}) {
      return (byHand ? signInByHand : signIn)(started(browser), { url: started(system).url, user, path });
    },
    async closeWindows() {
      for (const context of started(browser).contexts()) await context.close();
    },
  };
}
