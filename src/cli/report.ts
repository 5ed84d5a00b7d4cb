/** What a command prints of a project, and how it waits for the effect of a command. */

import type { Project } from '../shared/sdk/client.ts';
import { CliError } from './cli-error.ts';
import type { Arguments, Context } from './command.ts';
import { printable } from './terminal.ts';

const waitLimitMs = 10 * 60_000;

export function describe(project: Project, url: string): string {
  const lines = [
    `${project.name} is ${project.status}.`,
    project.message,
    project.nextStep,
    project.idleStopInMinutes === null
      ? null
      : `It is idle and stops in ${project.idleStopInMinutes} min. "opm keep" keeps it.`,
    project.trashDaysLeft === null
      ? null
      : `It is deleted in ${project.trashDaysLeft === 1 ? '1 day' : `${project.trashDaysLeft} days`}. "opm restore" takes it out of the trash.`,
    sizeLine(project),
    project.sharedBy === null ? null : `Shared with you by ${project.sharedBy}. You are ${project.role}.`,
    project.repoUrl === null ? null : `Repository: ${project.repoUrl}`,
    `Page: ${url}/projects/${project.id}`,
  ];
  return lines.flatMap((line) => (line === null ? [] : `${printable(line)}\n`)).join('');
}

/** A project that runs may still have the pod of another size. */
function sizeLine({ size, podSize, desiredState }: Project): string | null {
  if (size === null) return null;
  const isOther = desiredState === 'running' && podSize !== null && podSize !== size;
  return `Size: ${size}${isOther ? ` (its pod has ${podSize} until a restart)` : ''}`;
}

/** Waits for the status if that was asked for, and prints the project. Scripts learn of an error from the exit code. */
export async function report(
  context: Context,
  args: Arguments,
  { project, done }: { project: Project; done: Project['status'] },
): Promise<void> {
  const last = args.flag('wait') ? await waitForEffect(context, { project, done }) : project;
  context.print(args.flag('json') ? `${JSON.stringify(last, null, 2)}\n` : describe(last, context.login().url));
  failOnError(last);
}

/** @throws CliError for a project that has failed */
export function failOnError({ name, status }: Project): void {
  if (status === 'error') throw new CliError(`${printable(name)} has failed. See the message above.`);
}

/** Waits until the command that has returned this project has led to the status or to an error, and notes each message. */
export async function waitForEffect(
  { client, note, signal }: Context,
  { project, done }: { project: Project; done: Project['status'] },
): Promise<Project> {
  let noted = '';
  return client().waitFor(
    project.id,
    (current) => {
      const message = printable(current.message ?? '');
      if (message && message !== noted) note(`${message}\n`);
      noted = message;
      // The state from before the command must not end the wait for its effect.
      const isCurrent = current.observedGeneration >= project.generation;
      return isCurrent && (current.status === done || current.status === 'error');
    },
    { timeoutMs: waitLimitMs, signal },
  );
}
