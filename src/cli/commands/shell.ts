/** `opm shell`: a terminal in the pod of a project, or one command there. */

import { readAppError, type Project } from '../../shared/sdk/client.ts';
import { CliError } from '../cli-error.ts';
import type { Arguments, Command, Context } from '../command.ts';
import { followSize, sizeOf, useKeys, watchForEnding, type Ending } from '../local-terminal.ts';
import { createProjectOrigin } from '../project-origin.ts';
import { findProject } from '../projects.ts';
import { openShell, type RemoteShell, type ShellEnd } from '../remote-shell.ts';
import { failOnError, waitForEffect } from '../report.ts';
import { printable } from '../terminal.ts';

const interruptKey = '\u0003';
/** When the network is gone, the person must not wait long for the message. */
const askLimitMs = 5_000;

const shell: Command = {
  name: 'shell',
  usage: 'PROJECT [--start] [-- COMMAND…]',
  summary:
    'Open a terminal in a project, or run one command there and end with its exit code. --start starts the project first.',
  options: { start: { type: 'boolean' } },
  positionals: { min: 1, max: Infinity },
  async run(context, args) {
    const [named = '', ...command] = args.positionals;
    const { input, output } = context.terminal;
    const isInteractive = command.length === 0;
    if (isInteractive && !(input.isTTY && output.isTTY)) {
      throw new CliError('There is no terminal here. Add a command, such as "opm shell PROJECT -- make test".', 2);
    }
    const project = await readyProject(context, named, args);
    const { origin } = new URL(await context.client().projects.open(project));
    return work(context, { project, origin, command: isInteractive ? null : command });
  },
};

async function readyProject(context: Context, named: string, args: Arguments): Promise<Project> {
  const project = await findProject(context.client(), named);
  if (project.status === 'ready') return project;
  if (!args.flag('start')) throw new CliError(notReady(project));
  const started = await waitForEffect(context, {
    project: await context.client().projects.start(project),
    done: 'ready',
  });
  failOnError(started);
  return started;
}

export function notReady({ name, status, message, nextStep }: Project): string {
  const why = [`${name} is ${status}.`, message, nextStep].filter((part) => part !== null).join(' ');
  const how = status === 'error' ? '"opm retry" tries again.' : 'Add --start, or run "opm start" first.';
  return printable(`${why} ${how}`);
}

interface Work {
  project: Project;
  origin: string;
  command: string[] | null;
}

async function work(context: Context, { project, origin, command }: Work): Promise<number> {
  const { terminal } = context;
  const ending = watchForEnding();
  try {
    const remote = await openShell(createProjectOrigin({ origin, token: context.login().token }), {
      command,
      size: sizeOf(terminal),
      signal: AbortSignal.any([context.signal, ending.signal]),
      output: terminal.output,
    });
    const end = await attach(context, { remote, ending, isInteractive: command === null });
    if (end === null) return ending.exitCode() ?? 1;
    if (end.kind === 'lost') throw new CliError(await whyLost(context, project));
    if (end.exitCode === null) context.note('OpenCode did not send the exit code.\n');
    return end.exitCode ?? 1;
  } catch (error) {
    const exitCode = ending.exitCode();
    if (exitCode !== null) return exitCode;
    throw error;
  } finally {
    ending.release();
  }
}

/** Connects the terminal of the person with the remote one. @returns `null` when this program is to end */
async function attach(
  { terminal, takeOver }: Context,
  { remote, ending, isInteractive }: { remote: RemoteShell; ending: Ending; isInteractive: boolean },
): Promise<ShellEnd | null> {
  const giveBack = takeOver({
    onInterrupt: () => remote.write(interruptKey),
    onOutputClosed: () => ending.end(0),
  });
  const stopFollowing = followSize(terminal, remote.resize);
  const restore = isInteractive ? useKeys(terminal, { onKeys: remote.write, onGone: () => ending.end(129) }) : null;
  let end: ShellEnd | null = null;
  try {
    end = await Promise.race([remote.ended, whenAborted(ending.signal)]);
    return end;
  } finally {
    restore?.({ isBroken: end?.kind !== 'exited' });
    stopFollowing();
    await remote.close();
    giveBack();
  }
}

function whenAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

/** The project says more than the connection. */
async function whyLost({ client }: Context, { id, name }: Project): Promise<string> {
  const again = `Run "opm shell" again for a new shell. A program that ran in the old one may still run.`;
  try {
    const now = await client().trpc.projects.get.query({ id }, { signal: AbortSignal.timeout(askLimitMs) });
    if (now.status !== 'ready') return `The shell was closed. ${notReady(now)}`;
  } catch (error) {
    const refusal = readAppError(error);
    if (refusal) return `The shell was closed. ${refusal.message}`;
  }
  return printable(`The connection to ${name} was lost. ${again}`);
}

export const shellCommands: Command[] = [shell];
