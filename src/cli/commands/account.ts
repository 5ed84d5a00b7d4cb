/** `opm login`, `logout` and `whoami`. */

import { hostname } from 'node:os';

import { createClient, readAppError } from '../../shared/sdk/client.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Context } from '../command.ts';
import { awaitConfirmation } from '../device-login.ts';
import { forgetLogin, readUrl, storeLogin } from '../login.ts';
import { ask, printable } from '../terminal.ts';

const login: Command = {
  name: 'login',
  usage: 'URL [--token]',
  summary:
    'Log in to an installation: confirm this computer in a browser. --token: read a personal access token from the terminal or from standard input instead.',
  options: { token: { type: 'boolean' } },
  positionals: { min: 1, max: 1 },
  async run(context, args) {
    const url = readUrl(args.positionals[0] ?? '');
    const token = args.flag('token') ? await askForToken(context, url) : await loginByBrowser(context, url);
    const client = createClient({ url, token });
    try {
      const { name } = await client.trpc.auth.me.query();
      const file = storeLogin(context.env, { url, token });
      context.print(`Logged in to ${url} as ${printable(name)}. The token is in ${file}.\n`);
    } catch (error) {
      if (readAppError(error)?.code !== 'UNAUTHENTICATED') throw error;
      throw new CliError(`${url} does not accept this token. It may have expired. Create another one in the settings.`);
    } finally {
      await client.close();
    }
  },
};

async function askForToken({ terminal, note }: Context, url: string): Promise<string> {
  note(`Create a personal access token on ${url}/settings/tokens, if you have none.\n`);
  const token = await ask(terminal, 'Token: ', { secret: true });
  if (!token) throw new CliError('No token was entered.');
  return token;
}

async function loginByBrowser({ note, signal }: Context, url: string): Promise<string> {
  const client = createClient({ url });
  try {
    return await awaitConfirmation(client.trpc.devices, { name: hostname(), note, signal });
  } finally {
    await client.close();
  }
}

const logout: Command = {
  name: 'logout',
  usage: '',
  summary: 'Forget the token on this computer. It stays valid until you revoke it in the settings.',
  positionals: { min: 0, max: 0 },
  async run({ env, print }) {
    forgetLogin(env);
    print('Logged out.\n');
  },
};

const whoami: Command = {
  name: 'whoami',
  usage: '',
  summary: 'Print the installation and the person that the CLI is logged in as.',
  positionals: { min: 0, max: 0 },
  async run(context: Context) {
    const { name, email } = await context.client().trpc.auth.me.query();
    context.print(`${name}${email === null ? '' : ` <${email}>`} at ${context.login().url}\n`);
  },
};

export const accountCommands: Command[] = [login, logout, whoami];
