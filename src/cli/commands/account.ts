/** `opm login`, `logout` and `whoami`. */

import { createClient, readAppError } from '../../shared/sdk/client.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Context } from '../command.ts';
import { forgetLogin, readUrl, storeLogin } from '../login.ts';
import { ask } from '../terminal.ts';

const login: Command = {
  name: 'login',
  usage: 'URL',
  summary:
    'Log in to an installation with a personal access token. It is read from the terminal or from standard input.',
  positionals: { min: 1, max: 1 },
  async run({ terminal, env, note, print }, { positionals: [address = ''] }) {
    const url = readUrl(address);
    note(`Create a personal access token on ${url}/settings, if you have none.\n`);
    const token = await ask(terminal, 'Token: ', { secret: true });
    if (!token) throw new CliError('No token was entered.');
    const client = createClient({ url, token });
    try {
      const { name } = await client.trpc.auth.me.query();
      const file = storeLogin(env, { url, token });
      print(`Logged in to ${url} as ${name}. The token is in ${file}.\n`);
    } catch (error) {
      if (readAppError(error)?.code !== 'UNAUTHENTICATED') throw error;
      throw new CliError(`${url} does not accept this token. It may have expired. Create another one in the settings.`);
    } finally {
      await client.close();
    }
  },
};

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
