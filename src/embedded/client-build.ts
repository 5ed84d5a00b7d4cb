/** Builds the client when the build is missing or older than its sources, so that `npm start` needs no earlier step. */

import { spawn } from 'node:child_process';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Folders and files from which the client is built. */
const sources = ['src/client', 'src/shared/contract', 'vite.config.ts', 'package-lock.json'];

/**
 * @param root the folder of the project
 * @returns the folder of the built client
 */
export async function buildClientIfStale(root: string): Promise<string> {
  const built = join(root, 'dist/client');
  const [builtAt, changedAt] = await Promise.all([
    newestChange(join(built, 'index.html')),
    Promise.all(sources.map((source) => newestChange(join(root, source)))).then((times) => Math.max(...times)),
  ]);
  if (builtAt <= changedAt) await build(root, built);
  return built;
}

/** The last change of a file, or of any file below a folder, in milliseconds since the epoch; 0 when it does not exist. */
async function newestChange(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (!found) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)));
  return Math.max(0, ...(await Promise.all(files)).map((file) => file.mtimeMs));
}

/** Builds into another folder and renames it, so that two instances that start at once do not delete each other's build. */
async function build(root: string, built: string): Promise<void> {
  const draft = `${built}.${process.pid}`;
  const old = `${draft}.old`;
  try {
    await runVite(root, draft);
    await rename(built, old).catch(() => undefined); // there is no older build at the first start
    await rename(draft, built).catch(async (error: unknown) => {
      if ((await newestChange(join(built, 'index.html'))) === 0) throw error; // otherwise another instance has finished its build first
    });
  } finally {
    await Promise.all([draft, old].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

/** In a separate process, so that the build uses the second core while the services start. */
function runVite(root: string, folder: string): Promise<void> {
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'error', '--outDir', folder, '--emptyOutDir'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(`The client could not be built. "npm run build" shows all errors.\n${errors.slice(0, 2_000)}`),
        );
    });
  });
}
