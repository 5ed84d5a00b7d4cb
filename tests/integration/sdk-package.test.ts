/** The SDK as an installed package: its code, its types, the examples of the documentation, and the command line `opm`. */

import { execFile, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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

const readPart = (name: string) => readFileSync(join(root, 'dist', 'sdk', name), 'utf8');
const importsOf = (code: string) =>
  [...code.matchAll(/^(?:import|export) .* from "([^"]+)";$/gm)].map(([, name]) => name ?? '');

describe('the SDK as a package', { timeout: 60_000 }, () => {
  it('contains nothing of the server and nothing of Node', () => {
    const entry = readPart('client.js');
    const parts = importsOf(entry).filter((name) => name.startsWith('./'));
    const code = [entry, ...parts.map(readPart)].join('\n');
    const imported = importsOf(code).filter((name) => !name.startsWith('./'));
    expect(new Set(imported)).toEqual(new Set(['@trpc/client']));
    expect(code).not.toMatch(/\bprocess\b|\brequire\(|knex|fastify/);
    expect(existsSync(join(root, 'dist', 'sdk', 'src'))).toBe(false);
  });

  it('has the types of the router: the examples compile, and a wrong call does not', async () => {
    writeFileSync(
      join(folder, 'wrong.ts'),
      `import { createClient } from 'opencode-project-manager/sdk';
       const client = createClient({ url: '' });
       await client.projects.create({ title: 'x' });
       (await client.projects.get('x')).status === 'perhaps';`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck'];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    const files = ['create-and-wait.ts', 'watch.ts', 'wrong.ts'];
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    const { stdout } = await execute(tsc, [...options, ...types, ...files], { cwd: folder }).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toMatch(/'title' does not exist[^]*'"perhaps"' have no overlap/);
    const failed = stdout.split('\n').filter((line) => line.includes('error TS'));
    expect(failed.filter((line) => !line.startsWith('wrong.ts'))).toEqual([]);
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

describe('the command line opm', { timeout: 60_000 }, () => {
  interface Result {
    code: number | null;
    out: string;
    errors: string;
  }

  /** Runs the installed program with a home folder of its own. */
  function opm(args: string[], { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {}) {
    const program = join(folder, 'node_modules', 'opencode-project-manager', 'opm.js');
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, ...env },
    });
    const result: Result = { code: null, out: '', errors: '' };
    child.stdout.on('data', (chunk: Buffer) => (result.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (result.errors += chunk.toString()));
    child.stdin.end(input);
    const ended = new Promise<Result>((resolveEnded) => {
      child.on('close', (code) => resolveEnded({ ...result, code }));
    });
    return { result, ended, interrupt: () => child.kill('SIGINT') };
  }
  const done = (args: string[], options?: Parameters<typeof opm>[1]) => opm(args, options).ended;
  const loggedIn = () => ({ env: { OPM_URL: system.url, OPM_TOKEN: token } });

  it('keeps a token in a file that only its owner may read, after the server has accepted it', async () => {
    const refused = await done(['login', system.url, '--token'], { input: 'made-up\n' });
    expect([refused.code, refused.errors]).toEqual([1, expect.stringMatching(/does not accept this token/)]);
    expect(existsSync(join(folder, '.config'))).toBe(false);

    const file = join(folder, '.config', 'opm', 'login.json');
    expect((await done(['login', `${system.url}/`, '--token'], { input: `${token}\n` })).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await done(['whoami'])).out).toContain(system.url);
    // The token of one installation is not sent to another.
    const elsewhere = await done(['list'], { env: { OPM_URL: 'http://127.0.0.1:9' } });
    expect([elsewhere.code, elsewhere.errors]).toEqual([1, expect.stringMatching(/not logged in/)]);
    expect((await done(['logout'])).code).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  it('creates, shows, stops and deletes a project by its name, and follows its log', async () => {
    const created = await done(['create', 'By command', '--wait', '--json'], loggedIn());
    expect([created.code, created.errors]).toEqual([0, expect.any(String)]);
    const project = JSON.parse(created.out) as { id: string; status: string };
    expect(project.status).toBe('ready');
    expect((await done(['list'], loggedIn())).out).toMatch(/^NAME +STATUS.*\n(?:.*\n)*By command +ready/);
    expect((await done(['show', 'by COMMAND'], loggedIn())).out).toContain(`${system.url}/projects/${project.id}`);
    expect((await done(['open', project.id, '--print'], loggedIn())).out).toMatch(/^https?:\/\/p-.*\n$/);

    const following = opm(['logs', 'By command', '--follow'], loggedIn());
    const read = await done(['logs', 'By command', '--tail', '5'], loggedIn());
    const [line = ''] = read.out.split('\n');
    expect(line).not.toBe('');
    await vi.waitFor(() => expect(following.result.out).toContain(line), 10_000);
    following.interrupt();
    expect((await following.ended).code).toBe(130);

    expect((await done(['stop', 'By command', '-w'], loggedIn())).out).toMatch(/^By command is stopped/);
    const asked = await done(['delete', 'By command'], loggedIn());
    expect([asked.code, asked.errors]).toEqual([2, expect.stringMatching(/--yes/)]);
    expect((await done(['delete', 'By command', '--yes', '--wait'], loggedIn())).code).toBe(0);
    const gone = await done(['show', 'By command'], loggedIn());
    expect([gone.code, gone.errors]).toEqual([1, expect.stringMatching(/no project with the name/)]);
  });

  it.each([
    { args: ['mistake'], code: 2, message: /There is no command “mistake”\. "opm help"/ },
    { args: ['list', '--mistake'], code: 2, message: /--mistake.*"opm list --help"/ },
    { args: ['create'], code: 2, message: /opm create NAME/ },
    { args: ['create', 'no/slashes'], code: 1, message: /letter/ },
    { args: ['cp', 'one', 'two'], code: 2, message: /one in a project/ },
  ])('answers $args with one clear error', async ({ args, code, message }) => {
    const result = await done(args, loggedIn());
    expect(result).toEqual({ code, out: '', errors: expect.stringMatching(message) });
    expect(result.errors).not.toMatch(/ {4}at /);
  });
});
