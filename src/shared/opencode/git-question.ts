/** Asks git about the repository of a project by a script in OpenCode's container, which changes nothing in the repository. */

import { BranchError, failureOf } from './branch-problems.ts';
import type { OpenCodeClient } from './opencode-client.ts';
import { OpenCodeError } from './opencode-error.ts';
import { runScript, type ScriptResult } from './run-script.ts';

export type GitClient = Pick<OpenCodeClient, 'readWorkingFolder' | 'startCommand' | 'isCommandRunning' | 'readFile'>;

const limitMs = 30_000;
const busyExitCode = 75;

/**
 * @param question.args follow the folder of the project
 * @returns `null` when the project is no repository
 * @throws OpenCodeError; BranchError with what git says
 */
export async function askGit(
  client: GitClient,
  question: { script: string; args: string[]; waitMs: number; signal: AbortSignal },
): Promise<ScriptResult | null> {
  const project = await client.readWorkingFolder();
  if ((await client.readFile({ folder: project, path: '.git/HEAD' })) === null) return null;
  const result = await runScript(client, {
    ...question,
    args: [project, ...question.args],
    // Neither git nor the pages show it.
    folder: `${project}/.git/project-manager`,
    workingFolder: project,
    limitMs,
  });
  if (result.exitCode === busyExitCode) throw new OpenCodeError('unreachable', result.errors);
  if (result.exitCode !== 0) throw new BranchError(failureOf('changes', result));
  return result;
}
