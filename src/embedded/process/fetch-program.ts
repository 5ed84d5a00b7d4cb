/** Downloads a program from the packages of Debian or Ubuntu, without the rights to install it. */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { EmbeddedLog } from '../embedded-log.ts';

const run = promisify(execFile);

/** A program of a package, and how to get it in another way. */
export interface FetchedProgram {
  /** Also the name of the package. */
  name: string;
  /** The file below the root of the unpacked packages. */
  file: string;
  /** The name of the folder in the cache, without release and architecture. */
  folder: string;
  /** Packages that are always downloaded. */
  packages: readonly string[];
  /** Which of the packages that apt would install are needed too. */
  needs: RegExp;
  /** What a person can do when the download is not possible. */
  advice: string;
}

/**
 * Downloads the program, and the libraries that it needs and the machine does not have, to
 * `<cacheDir>/<folder>-<release>-<architecture>`. Nothing is installed and no rights are needed: apt uses package lists inside
 * that folder. When the folder exists, it is used without the network.
 *
 * @returns the program and the environment variables that it needs
 * @throws Error that says what to do, on other systems and when the download fails
 */
export async function fetchProgram(
  program: FetchedProgram,
  { cacheDir, log }: { cacheDir: string; log: EmbeddedLog },
): Promise<{ path: string; env: Record<string, string> }> {
  const { name, advice } = program;
  const release = readRelease();
  if (release === null) throw new Error(`There is no ${name} on the path. ${advice}`);
  const home = join(cacheDir, `${program.folder}-${release}-${process.arch}`);
  if (!existsSync(home)) {
    log.info(`There is no ${name} on the path: downloading it from the packages of this system ...`);
    mkdirSync(cacheDir, { recursive: true });
    const draft = mkdtempSync(join(cacheDir, 'fetching-'));
    try {
      await downloadAndUnpack(program, draft);
      renameSync(join(draft, 'root'), home);
    } catch (cause) {
      // Another process may have finished the same download first.
      if (!existsSync(home)) {
        throw new Error(`${name} is not on the path and could not be downloaded: ${messageOf(cause)} ${advice}`, {
          cause,
        });
      }
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  const libraries = libraryFolders(home);
  return {
    path: join(home, program.file),
    env: libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(':') },
  };
}

async function downloadAndUnpack(program: FetchedProgram, draft: string): Promise<void> {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'packages', 'root']) {
    mkdirSync(join(draft, folder), { recursive: true });
  }
  const apt = (tool: 'apt-get' | 'apt-cache', ...args: string[]) =>
    run(tool, [...aptOptions(draft), ...args], {
      cwd: join(draft, 'packages'),
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 180_000,
      maxBuffer: 16 * 1024 * 1024,
    });
  // A source that does not answer does no harm when the packages are in other sources.
  const update = await apt('apt-get', 'update').catch((cause: unknown) => cause);
  const names = await apt('apt-get', 'install', '--simulate', '--no-install-recommends', program.name).then(
    ({ stdout }) => [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? ''),
    (cause: unknown) => {
      throw update instanceof Error ? update : cause;
    },
  );
  // Only the program and the libraries are needed, not the packages that set up users and services.
  const packages = new Set([...program.packages, ...names.filter((name) => program.needs.test(name))]);
  await apt('apt-get', 'download', ...packages);
  for (const file of readdirSync(join(draft, 'packages'))) {
    await run('dpkg-deb', ['-x', join(draft, 'packages', file), join(draft, 'root')]);
  }
  const libraries = libraryFolders(join(draft, 'root')).join(':');
  await run(join(draft, 'root', program.file), ['--version'], { env: { ...process.env, LD_LIBRARY_PATH: libraries } });
}

/** Package lists, cache and locks are in our folder. Sources, keys and the list of installed packages are the machine's. */
function aptOptions(draft: string): string[] {
  const settings = {
    'Dir::State': join(draft, 'state'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(draft, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
    'Debug::NoLocking': 'true',
    // When root starts apt, it changes to a user that may not enter our folder.
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
  };
  return ['-q', '-y', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

/** The code name of the release ("bookworm") on Debian, Ubuntu and their derivatives; null elsewhere. */
function readRelease(): string | null {
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/etc/os-release')) return null;
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^VERSION_CODENAME="?([\w.-]+)/m.exec(release)?.[1] ?? /^ID="?([\w.-]+)/m.exec(release)?.[1] ?? 'debian';
}

function libraryFolders(root: string): string[] {
  return ['usr/lib', 'lib'].flatMap((folder) => {
    const path = join(root, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
      .map((entry) => join(path, entry.name));
  });
}

function messageOf(cause: unknown): string {
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
  const errors = stderr.split('\n').filter((line) => line.startsWith('E:'));
  return (
    errors.slice(0, 2).join(' ') || (cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause))
  );
}
