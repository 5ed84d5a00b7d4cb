#!/usr/bin/env node
/**
 * `opm`: the command line for people and scripts. It stands on the SDK alone. Results go to standard output, everything else to
 * standard error. Exit codes: 0 done, 1 failed, 2 not understood, 130 Ctrl-C; `opm shell` ends with the exit code of the shell.
 */

import process from 'node:process';
import { parseArgs } from 'node:util';

import { createClient, readAppError, WaitTimeout, type Client } from '../shared/sdk/client.ts';
import { CliError } from './cli-error.ts';
import type { Command, Context } from './command.ts';
import { accountCommands } from './commands/account.ts';
import { fileCommands } from './commands/files.ts';
import { projectCommands } from './commands/projects.ts';
import { sharingCommands } from './commands/sharing.ts';
import { shellCommands } from './commands/shell.ts';
import { sizeCommands } from './commands/sizes.ts';
import { taskCommands } from './commands/tasks.ts';
import { readLogin } from './login.ts';

const commands: Command[] = [
  ...accountCommands,
  ...projectCommands,
  ...sharingCommands,
  ...shellCommands,
  ...sizeCommands,
  ...fileCommands,
  ...taskCommands,
];

/** The reader of the pipe has gone. */
const leave = () => process.exit(0);

process.exitCode = await main(process.argv.slice(2));

async function main(argv: string[]): Promise<number> {
  const stopping = new AbortController();
  const interrupt = () => stopping.abort();
  process.once('SIGINT', interrupt);
  process.stdout.once('error', leave);
  let client: Client | null = null;
  const context: Context = {
    terminal: { input: process.stdin, output: process.stdout, errors: process.stderr },
    env: process.env,
    signal: stopping.signal,
    takeOver({ onInterrupt, onOutputClosed }) {
      process.off('SIGINT', interrupt).on('SIGINT', onInterrupt);
      process.stdout.off('error', leave).on('error', onOutputClosed);
      return () => {
        process.off('SIGINT', onInterrupt).once('SIGINT', interrupt);
        process.stdout.off('error', onOutputClosed).once('error', leave);
      };
    },
    login: () => readLogin(process.env),
    client: () => (client ??= createClient(readLogin(process.env))),
    print: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(text),
  };
  try {
    const exitCode = await run(argv, context);
    return stopping.signal.aborted ? 130 : (exitCode ?? 0);
  } catch (error) {
    if (stopping.signal.aborted) return 130;
    process.stderr.write(`${messageOf(error)}\n`);
    return error instanceof CliError ? error.exitCode : 1;
  } finally {
    // The assignment is in a closure, which the compiler does not follow.
    await (client as Client | null)?.close();
  }
}

async function run(argv: string[], context: Context): Promise<number | void> {
  if (argv.length === 0 || ['help', '--help', '-h'].includes(argv[0] ?? '')) return context.print(help());
  const command = findCommand(argv);
  const { values, positionals } = parse(command, argv.slice(command.name.split(' ').length));
  if (values['help'] === true) return context.print(helpOf(command));
  const { min, max } = command.positionals;
  if (positionals.length < min || positionals.length > max) throw new CliError(helpOf(command).trimEnd(), 2);
  return command.run(context, {
    positionals,
    text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
    flag: (option) => values[option] === true,
  });
}

function findCommand(argv: string[]): Command {
  const found = commands.find(({ name }) => name.split(' ').every((word, index) => argv[index] === word));
  if (!found) throw new CliError(`There is no command “${argv[0]}”. "opm help" lists all commands.`, 2);
  return found;
}

function parse(
  { name, options = {} }: Command,
  args: string[],
): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args, allowPositionals: true, options: { ...options, help: { type: 'boolean', short: 'h' } } });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('. ')[0] ?? '') : '';
    throw new CliError(`${reason}. "opm ${name} --help" shows the options.`, 2);
  }
}

function helpOf({ name, usage, summary }: Command): string {
  return `${summary}\n\n  opm ${name} ${usage}\n`;
}

function help(): string {
  const lines = commands.map(({ name, usage, summary }) => `  ${`${name} ${usage}`.trim()}\n      ${summary}\n`);
  return `opm works with the projects of an OpenCode Project Manager. PROJECT is an id or a name.\n\n${lines.join('')}`;
}

function messageOf(error: unknown): string {
  if (error instanceof CliError || error instanceof WaitTimeout) return error.message;
  const ofTheApi = readAppError(error);
  if (ofTheApi) {
    const fields = Object.values(ofTheApi.fields).flat();
    return [ofTheApi.message, ...fields.filter((text) => !ofTheApi.message.includes(text))].join('\n');
  }
  const text = error instanceof Error ? error.message : String(error);
  return `The installation did not answer (${text}). Check OPM_URL or the address of "opm login", and try again.`;
}
