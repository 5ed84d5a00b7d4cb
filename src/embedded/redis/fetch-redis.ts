import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { EmbeddedLog } from '../embedded-log.ts';

const run = promisify(execFile);
const advice =
  'Install Redis (apt-get install redis-server, brew install redis), or name a running one with REDIS_URL.';

/**
 * Fetches Debian's or Ubuntu's own redis-server, and the libraries that it needs and the machine lacks, into
 * `<cacheDir>/redis-<release>-<architecture>`. Nothing is installed and no rights are needed: apt works on package lists
 * of its own inside that folder. A folder that is there is used as it is, without the network.
 *
 * Returns the program and the environment it needs. Throws a sentence on other systems and when the download fails.
 */
export async function fetchRedis(options: {
  cacheDir: string;
  log: EmbeddedLog;
}): Promise<{ path: string; env: Record<string, string> }> {
  const { cacheDir, log } = options;
  const release = readRelease();
  if (release === null) throw new Error(`There is no redis-server on the path. ${advice}`);
  const home = join(cacheDir, `redis-${release}-${process.arch}`);
  if (!existsSync(home)) {
    log.info('There is no redis-server on the path: fetching it from the packages of this system ...');
    mkdirSync(cacheDir, { recursive: true });
    const draft = mkdtempSync(join(cacheDir, 'fetching-'));
    try {
      await downloadAndUnpack(draft);
      renameSync(join(draft, 'root'), home);
    } catch (cause) {
      // Another start may have put its own in place a moment earlier, which is as good.
      if (!existsSync(home)) {
        throw new Error(`redis-server is not on the path and could not be fetched: ${sayWhy(cause)} ${advice}`, {
          cause,
        });
      }
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  const libraries = libraryFolders(home);
  return {
    path: join(home, 'usr', 'bin', 'redis-server'),
    env: libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(':') },
  };
}

async function downloadAndUnpack(draft: string): Promise<void> {
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
  // Sources that do not answer are no harm as long as the packages are found in the others.
  const update = await apt('apt-get', 'update').catch((cause: unknown) => cause);
  const names = await apt('apt-get', 'install', '--simulate', '--no-install-recommends', 'redis-server').then(
    ({ stdout }) => [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? ''),
    (cause: unknown) => {
      throw update instanceof Error ? update : cause;
    },
  );
  // Of what an installation would bring in, only the server and libraries matter; what sets up users and services does not.
  const desired = new Set(['redis-server', 'redis-tools', ...names.filter((name) => /^(lib|redis)/.test(name))]);
  await apt('apt-get', 'download', ...desired);
  for (const file of readdirSync(join(draft, 'packages'))) {
    await run('dpkg-deb', ['-x', join(draft, 'packages', file), join(draft, 'root')]);
  }
  const server = join(draft, 'root', 'usr', 'bin', 'redis-server');
  const libraries = libraryFolders(join(draft, 'root')).join(':');
  await run(server, ['--version'], { env: { ...process.env, LD_LIBRARY_PATH: libraries } });
}

/** Lists, cache and locks of our own; the machine's sources, keys and record of what is installed. */
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
    // Started by root, apt would change to a user that may not enter our folder.
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
  };
  return ['-q', '-y', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

/** The release's code name ("bookworm") on Debian, Ubuntu and what descends from them; null elsewhere. */
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

function sayWhy(cause: unknown): string {
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
  const errors = stderr.split('\n').filter((line) => line.startsWith('E:'));
  return (
    errors.slice(0, 2).join(' ') || (cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause))
  );
}
