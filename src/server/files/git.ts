/**
 * What git says about the project's folder. git runs in OpenCode's container: the configuration of a repository can make git run any
 * program, and the file browser has a secret that the agent must not read.
 */

import { AppError } from '../../shared/contract/errors.ts';
import type { GitDiff, GitFile, GitStatus, UnsavedWork } from '../../shared/contract/files.ts';
import type { ReadyPod } from '../../shared/node/access/ready-pod.ts';
import { BranchError } from '../../shared/opencode/branch-problems.ts';
import { createOpenCodeClient, type OpenCodeClient } from '../../shared/opencode/opencode-client.ts';
import { OpenCodeError } from '../../shared/opencode/opencode-error.ts';
import { readUnsavedWork } from '../../shared/opencode/unsaved-work.ts';
import { readWorkingTree, type WorkingTree } from '../../shared/opencode/working-tree.ts';

/** Shorter than the time that a request to the server may take. */
const waitMs = 7_000;

export async function readGitStatus(pod: ReadyPod): Promise<GitStatus> {
  const { branch, files } = await read(pod, { kind: 'list' });
  return { branch, files: files.map(fileOf) };
}

export async function readUnsaved(pod: ReadyPod): Promise<UnsavedWork> {
  return ask(pod, readUnsavedWork);
}

/** @param path the one file to compare; otherwise all */
export async function readGitDiff(pod: ReadyPod, path?: string): Promise<GitDiff> {
  const { files, isTruncated } = await read(pod, { kind: 'patch', path });
  return { files: files.map((file) => ({ ...fileOf(file), patch: file.patch })), isTruncated };
}

const fileOf = ({ path, status, additions, deletions }: GitFile): GitFile => ({ path, status, additions, deletions });

const read = (pod: ReadyPod, what: { kind: 'list' | 'patch'; path?: string | undefined }): Promise<WorkingTree> =>
  ask(pod, (client, times) => readWorkingTree(client, { ...what, ...times }));

async function ask<T>(
  pod: ReadyPod,
  question: (client: OpenCodeClient, times: { waitMs: number; signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(waitMs);
  try {
    return await question(createOpenCodeClient({ ...pod, signal }), { waitMs, signal });
  } catch (error) {
    if (error instanceof BranchError) throw new AppError('ILLEGAL_STATE', error.message, { cause: error });
    if (!(error instanceof OpenCodeError) && !signal.aborted) throw error;
    const message = 'OpenCode does not say what git knows about the project. Try again in a few seconds.';
    throw new AppError('UNAVAILABLE', message, { retryAfterSeconds: 2, cause: error });
  }
}
