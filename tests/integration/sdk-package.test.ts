/** The SDK as an installed package: its code, its types, and the examples of the documentation. */

import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { createDataDir, runProgram, startSystem, type StartedSystem } from '../support/started-system.ts';

const root = resolve(import.meta.dirname, '../..');
const execute = promisify(execFile);
let folder: string;
let system: StartedSystem;
let token: string;
const data = createDataDir();

/** Runs one of the examples in the folder with the installed package. */
function run(example: string, args: string[] = [], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(folder, example), ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], URL: system.url, TOKEN: token, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolveEnded) => {
    child.on('close', resolveEnded);
  });
  return { output: () => output, ended, stop: () => child.kill('SIGINT') };
}

beforeAll(async () => {
  await Promise.all([installPackage(), startSystemWithToken()]);
}, 120_000);

async function installPackage(): Promise<void> {
  await execute('npm', ['run', '--silent', 'build:sdk'], { cwd: root });
  folder = mkdtempSync(join(tmpdir(), 'sdk-'));
  const installed = join(folder, 'node_modules', 'opencode-project-manager');
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'dist', 'sdk'), installed, { recursive: true });
  // Only the dependencies of the package are installed.
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const example of ['create-and-wait.ts', 'watch.ts'])
    cpSync(join(root, 'examples', example), join(folder, example));
}

async function startSystemWithToken(): Promise<void> {
  system = await startSystem({ dataDir: data.dataDir });
  const program = runProgram('src/embedded/token-cli.ts', { DATA_DIR: data.dataDir }, ['user-a']);
  await program.exited;
  token = program.output().trim();
}
afterAll(async () => {
  await system.end('SIGTERM');
  data.remove();
  rmSync(folder, { recursive: true });
});

describe('the SDK as a package', { timeout: 60_000 }, () => {
  it('contains nothing of the server and nothing of Node', () => {
    const code = readFileSync(join(root, 'dist', 'sdk', 'client.js'), 'utf8');
    const imported = [...code.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
    expect(new Set(imported)).toEqual(new Set(['@trpc/client', 'zod']));
    expect(code).not.toMatch(/\bprocess\b|\brequire\(|knex|fastify/);
    expect(existsSync(join(root, 'dist', 'sdk', 'src'))).toBe(false);
  });

  it('has the types of the router: the examples compile, and a wrong call does not', async () => {
    const check = (...files: string[]) =>
      execute(
        join(root, 'node_modules', '.bin', 'tsc'),
        [
          '--noEmit',
          '--strict',
          '--module',
          'nodenext',
          '--target',
          'es2024',
          '--types',
          'node',
          '--typeRoots',
          join(root, 'node_modules/@types'),
          '--skipLibCheck',
          ...files,
        ],
        { cwd: folder },
      );
    writeFileSync(
      join(folder, 'wrong.ts'),
      `import { createClient } from 'opencode-project-manager/sdk';
       const client = createClient({ url: '' });
       await client.projects.create({ title: 'x' });
       (await client.projects.get('x')).status === 'perhaps';`,
    );
    const [examples, wrong] = await Promise.all([
      check('create-and-wait.ts', 'watch.ts'),
      check('wrong.ts').catch((error: unknown) => error as { stdout: string }),
    ]);
    expect(examples.stdout).toBe('');
    expect(wrong.stdout).toMatch(/'title' does not exist[^]*'"perhaps"' have no overlap/);
  });

  it('runs the example that creates, awaits and deletes a project, and the example that prints every change', async () => {
    const watching = run('watch.ts');
    const creating = run('create-and-wait.ts', ['Shown to people']);
    expect([await creating.ended, creating.output()]).toEqual([
      0,
      expect.stringMatching(
        /^Created Shown to people: http.*\nShown to people is ready\..*\nDeleted Shown to people\.\n$/,
      ),
    ]);
    await vi.waitFor(
      () => expect(watching.output()).toMatch(/Shown to people: ready[^]*Shown to people: archived/),
      5_000,
    );
    watching.stop();
    expect(await watching.ended).toBe(0);
  });

  it('lets an example print the message of a refusal and exit with 1', async () => {
    const refused = run('create-and-wait.ts', ['no/slashes']);
    const unknown = run('create-and-wait.ts', ['x'], { TOKEN: 'made-up' });
    expect([await refused.ended, refused.output()]).toEqual([1, expect.stringMatching(/^VALIDATION_FAILED: .+\n$/)]);
    expect([await unknown.ended, unknown.output()]).toEqual([1, expect.stringMatching(/^UNAUTHENTICATED: .+\n$/)]);
  });
});
