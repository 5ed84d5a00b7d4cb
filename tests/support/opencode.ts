/** Runs the real OpenCode, which comes with `npm ci` as an optional package. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findOpenCode } from '../../src/embedded/kubernetes/kubelet/runtime/process/find-opencode.ts';
import { findFreePort } from '../../src/embedded/process/free-port.ts';
import { configFileName, configFolder } from '../../src/shared/opencode/config-files.ts';

const program = findOpenCode(process.env['PATH'] ?? '');

export const hasOpenCode = program !== null;

/**
 * Starts it on loopback with this password, in a repository with one empty commit, and with an empty home folder.
 * @param options.config the content of `opencode.json`
 */
export async function startOpenCode(password: string, options: { config?: object } = {}) {
  if (program === null) throw new Error('There is no OpenCode on this machine. Run npm ci.');
  const folder = mkdtempSync(join(tmpdir(), 'opencode-workspace-'));
  const repository = join(folder, 'project');
  const home = join(folder, 'home');
  for (const each of [repository, home]) mkdirSync(each);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, stdio: 'ignore' });
  git('init');
  git('-c', 'user.name=Test', '-c', 'user.email=test@example.test', 'commit', '--allow-empty', '-m', 'Start');
  const models = join(folder, 'models.json');
  writeFileSync(models, '{}');
  const port = await findFreePort();
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    OPENCODE_SERVER_PASSWORD: password,
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    // OpenCode checks all 8,261 models that it knows at the first prompt in each folder, which takes about 5 s of processor time.
    // The tests have a model of their own.
    OPENCODE_MODELS_PATH: models,
    // As in a pod.
    OPENCODE_CONFIG: join(home, configFolder, configFileName),
    // Nothing answers at the discard port. Otherwise each new home folder would download 64 MB of packages.
    npm_config_registry: 'http://127.0.0.1:9/',
    ...(options.config ? { OPENCODE_CONFIG_CONTENT: JSON.stringify(options.config) } : {}),
  };
  const args = ['serve', '--hostname', '127.0.0.1', '--port', String(port)];
  let child = await startServing(program, { args, repository, env });
  return {
    port,
    repository,
    /** Where the session proxy writes the configuration of the project. */
    configFolder: join(home, configFolder),
    /** Ends it at once, as the kernel does when there is no memory left. */
    kill: () => end(child, 'SIGKILL'),
    /** Starts it again after a kill, with the same files. */
    async restart() {
      child = await startServing(program, { args, repository, env });
    },
    async stop() {
      await end(child, 'SIGTERM');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function startServing(
  path: string,
  { args, repository: cwd, env }: { args: string[]; repository: string; env: NodeJS.ProcessEnv },
): Promise<ChildProcess> {
  const child = spawn(path, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((started, failed) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('listening on')) started();
    });
    child.on('exit', (code) => failed(new Error(`OpenCode ended with ${code}: ${said}`)));
  });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  child.kill(signal);
  await ended;
}
