/**
 * What git says about the project's folder. OpenCode runs git, in its own container: the configuration of a repository can make
 * git run any program, and the file browser has a secret that the agent must not read.
 */

import { z } from 'zod';

import { AppError } from '../../shared/contract/errors.ts';
import { gitFileStatusSchema, type GitDiff, type GitFile, type GitStatus } from '../../shared/contract/files.ts';
import type { ReadyPod } from '../../shared/node/access/ready-pod.ts';
import { podPorts, type PodRequests } from './pod-requests.ts';

/** The working folder of OpenCode in the pod. */
const projectFolder = '/workspace/project';
/** A page cannot show more. */
const maxFiles = 5_000;
const maxPatchBytes = 2 * 1024 * 1024;

const countSchema = z.number().min(0).catch(0);
const fileSchema = z.object({
  file: z.string().max(4_096),
  additions: countSchema,
  deletions: countSchema,
  status: gitFileStatusSchema.catch('modified'),
});
const statusSchema = z.array(fileSchema);
const diffSchema = z.array(fileSchema.extend({ patch: z.string().optional() }));
const infoSchema = z.object({ branch: z.string().max(1_000).nullish() });

type Pod = Pick<ReadyPod, 'address' | 'credential'>;

export async function readGitStatus(requests: PodRequests, pod: Pod): Promise<GitStatus> {
  const [files, { branch }] = await Promise.all([
    ask(requests, pod, { path: '/vcs/status', schema: statusSchema }),
    ask(requests, pod, { path: '/vcs', schema: infoSchema }),
  ]);
  return { branch: branch ?? null, files: files.slice(0, maxFiles).map(fileOf) };
}

/** @param path the one file to compare; otherwise all */
export async function readGitDiff(requests: PodRequests, pod: Pod, path?: string): Promise<GitDiff> {
  const all = await ask(requests, pod, { path: '/vcs/diff?mode=git', schema: diffSchema });
  const chosen = all.filter(({ file }) => path === undefined || file === path).slice(0, maxFiles);
  let left = maxPatchBytes;
  let isTruncated = false;
  const files = chosen.map((file) => {
    const patch = file.patch === undefined || file.patch === '' ? null : file.patch;
    if (patch === null) return { ...fileOf(file), patch };
    left -= Buffer.byteLength(patch);
    if (left < 0) isTruncated = true;
    return { ...fileOf(file), patch: left < 0 ? null : patch };
  });
  return { files, isTruncated };
}

const fileOf = ({ file, ...rest }: z.infer<typeof fileSchema>): GitFile => ({
  path: file,
  status: rest.status,
  additions: rest.additions,
  deletions: rest.deletions,
});

async function ask<T extends z.ZodType>(
  requests: PodRequests,
  pod: Pod,
  { path, schema }: { path: string; schema: T },
) {
  const separator = path.includes('?') ? '&' : '?';
  const target = { address: pod.address, credential: pod.credential, port: podPorts.sessionProxy };
  const directory = `directory=${encodeURIComponent(projectFolder)}`;
  try {
    return await requests.json(target, { method: 'GET', path: `${path}${separator}${directory}`, schema });
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'ILLEGAL_STATE') throw error;
    const message = 'OpenCode does not say what git knows about the project. Try again in a few seconds.';
    throw new AppError('UNAVAILABLE', message, { retryAfterSeconds: 2, cause: error });
  }
}
