/**
 * Which installation the CLI talks to, and as whom. `OPM_URL` and `OPM_TOKEN` win over the file that `opm login` writes,
 * `$XDG_CONFIG_HOME/opm/login.json`, which only its owner may read.
 */

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { CliError } from './cli-error.ts';

export interface Login {
  /** Where the application is, without a slash at the end. */
  url: string;
  /** A personal access token. */
  token: string;
}

type Environment = Record<string, string | undefined>;

function loginFile(env: Environment): string {
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'opm', 'login.json');
}

/** @throws CliError when nobody has logged in */
export function readLogin(env: Environment): Login {
  const stored = readStored(env);
  const url = env['OPM_URL'] || stored?.url;
  // A token of one installation must not be sent to another.
  const token = env['OPM_TOKEN'] || (url === stored?.url ? stored?.token : undefined);
  if (!url || !token) throw new CliError('You are not logged in. Run "opm login URL", or set OPM_URL and OPM_TOKEN.');
  return { url: readUrl(url), token };
}

function readStored(env: Environment): Login | null {
  let text: string;
  try {
    text = readFileSync(loginFile(env), 'utf8');
  } catch {
    return null;
  }
  try {
    const { url, token } = JSON.parse(text) as Partial<Login>;
    if (typeof url === 'string' && typeof token === 'string') return { url, token };
  } catch {
    // Below.
  }
  throw new CliError(`${loginFile(env)} cannot be read. Run "opm login URL" to replace it.`);
}

/** @returns the file */
export function storeLogin(env: Environment, login: Login): string {
  const file = loginFile(env);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(login)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600); // an older file keeps its mode
  return file;
}

export function forgetLogin(env: Environment): void {
  rmSync(loginFile(env), { force: true });
}

/** @throws CliError unless it is an address of http or https without credentials */
export function readUrl(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CliError('This is not the address of an installation. Enter one like https://projects.example.com.');
  }
  if (url.username || url.password)
    throw new CliError('Leave out user and password: a personal access token is asked for.');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
