/** What a command of the CLI is. Each module of `commands/` exports some; `opm.ts` finds and runs them. */

import type { ParseArgsOptionsConfig } from 'node:util';

import type { Client } from '../shared/sdk/client.ts';
import type { Login } from './login.ts';
import type { Terminal } from './terminal.ts';

export interface Context {
  terminal: Terminal;
  env: Record<string, string | undefined>;
  /** Aborts on Ctrl-C. */
  signal: AbortSignal;
  /**
   * From now on the command itself reacts to Ctrl-C, and to an output whose reader has gone. Otherwise the latter ends the program.
   * @returns gives both back
   */
  takeOver: (handlers: { onInterrupt: () => void; onOutputClosed: () => void }) => () => void;
  /** @throws CliError when nobody has logged in */
  login: () => Login;
  /** The SDK as the person who has logged in. Opened when it is first used. */
  client: () => Client;
  print: (text: string) => void;
  /** For progress and questions, which must not end up in a pipe. */
  note: (text: string) => void;
}

export interface Arguments {
  positionals: string[];
  /** The text of an option, if it was given. */
  text(option: string): string | undefined;
  flag(option: string): boolean;
}

export interface Command {
  /** The words that call it, for example `task run`. */
  name: string;
  /** What follows the name, as in `opm help`. A word in square brackets may be left out. */
  usage: string;
  summary: string;
  options?: ParseArgsOptionsConfig;
  /** How many positional arguments it takes. */
  positionals: { min: number; max: number };
  /** May return the exit code; 0 otherwise. */
  run(context: Context, args: Arguments): Promise<number | void>;
}
