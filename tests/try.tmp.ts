import { startBrowser, signIn } from './support/browser.ts';
import { startFakeModel } from './support/fake-model.ts';
import { startGitServer } from './support/git-server.ts';
import { createSdkClient } from './support/sdk-client.ts';
import { createDataDir, startSystem } from './support/started-system.ts';
const model = await startFakeModel();
const repo = await startGitServer({ 'README.md': '# x\n', 'opencode.json': JSON.stringify(model.config) });
const { dataDir, remove } = createDataDir();
const system = await startSystem({ dataDir, env: { EMBEDDED_RUNTIME: 'sandbox', OPENCODE_DISABLE_MODELS_FETCH: '1' } });
const t0 = performance.now();
const log = (...a: unknown[]) => console.log(((performance.now() - t0) / 1000).toFixed(1), ...a);
log(system.output(), dataDir);
const client = await createSdkClient(system, 'user-a');
const browser = await startBrowser();
const w = await signIn(browser, { url: system.url, user: 'user-a', path: '/projects' });
const p = await client.projects.create({ name: 'Example', repoUrl: repo.url });
await client.waitFor(
  p.id,
  ({ status, message, reason }) => {
    log(status, reason, message);
    return status === 'ready';
  },
  { timeoutMs: 60000 },
);
log('ready');
const page = await w.context.newPage();
page.setDefaultTimeout(20000);
page.on('console', (m) => log('console', m.type(), m.text()));
page.on('requestfailed', (r) => log('failed', r.url(), r.failure()?.errorText));
page.on('response', (r) => {
  if (r.status() >= 400) log('status', r.status(), r.url());
});
await page.goto(`${system.url}/projects/${p.id}/open`);
await page.getByRole('textbox', { name: 'Prompt' }).waitFor();
log('prompt visible', page.url());
try {
  await page.waitForTimeout(2000);
  await page.screenshot({ path: '/tmp/oc/a1.png' });
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Please play:work');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('The file is written.').waitFor();
  log('written');
} catch (e) {
  log(String(e));
}
await page.screenshot({ path: '/tmp/oc/a2.png' });
log(await page.locator('main').ariaSnapshot());
log(model.played);
await client.projects.stop(p.id);
await client.waitFor(p.id, ({ status }) => status === 'stopped', { timeoutMs: 30000 });
log('stopped');
await page.reload();
await page.waitForTimeout(1500);
await page.screenshot({ path: '/tmp/oc/a3.png' });
log(await page.locator('body').ariaSnapshot(), await page.content());
const { execFileSync } = await import('node:child_process');
log(
  execFileSync(
    'sh',
    [
      '-c',
      `tail -n 40 ${dataDir}/logs/*/*/*.log; ls -la ${dataDir}/volumes/*/ ${dataDir}/volumes/*/.home/.local/share/opencode/log; tail -n 60 ${dataDir}/volumes/*/.home/.local/share/opencode/log/*`,
    ],
    { encoding: 'utf8' },
  ),
);
log(system.output());
await browser.close();
await system.end('SIGINT');
await repo.close();
await model.close();
await client.close();
remove();
process.exit(0);
