/** The files of a project, for those who may read or change them. The file browser of the pod does the work; this module decides who may ask it. */

import { z } from 'zod';

import { AppError, type AppErrorCode } from '../../shared/contract/errors.ts';
import {
  changesLineSchema,
  fileContentSchema,
  fileEntrySchema,
  fileListSchema,
  fileMatchesSchema,
  writtenFileSchema,
  type FilesEvent,
} from '../../shared/contract/files.ts';
import type { ReadyPod } from '../../shared/node/access/ready-pod.ts';
import { outageOf } from '../../shared/node/db/outage.ts';
import type { FileService, ProjectCaller } from '../services.ts';
import { readGitDiff, readGitStatus, readUnsaved } from './git.ts';
import type { FindOpenPod } from './open-pod.ts';
import { podPorts, type PodRequest, type PodRequests } from './pod-requests.ts';
import { mayRead, whileAdmitted } from './while-admitted.ts';

const retryMs = 1_000;
/** Paths in one line of the stream of changes. */
const maxLineLength = 4 * 1024 * 1024;

/** The pod cannot be asked, or does not answer. */
const unknownCodes: ReadonlySet<AppErrorCode> = new Set(['UNSUPPORTED', 'ILLEGAL_STATE', 'UNAVAILABLE']);

interface FileServiceDeps {
  findOpenPod: FindOpenPod;
  requests: PodRequests;
  /** Resolves after this time, or at once when the signal aborts. Never rejects. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createFileService({ findOpenPod, requests, pause }: FileServiceDeps): FileService {
  async function call<T extends z.ZodType>(
    caller: ProjectCaller,
    id: string,
    request: PodRequest & { schema: T },
  ): Promise<z.output<T>> {
    const pod = await findOpenPod(caller, id);
    return requests.json(fileBrowserOf(pod), request);
  }

  return {
    list: (caller, { id, path, cursor }) =>
      call(caller, id, { ...get('/list', { path, ...(cursor ? { cursor } : {}) }), schema: fileListSchema }),
    stat: (caller, { id, path }) => call(caller, id, { ...get('/stat', { path }), schema: fileEntrySchema }),
    read: (caller, { id, path, offset, limit }) =>
      call(caller, id, {
        ...get('/read', { path, offset: `${offset}`, limit: `${limit}` }),
        schema: fileContentSchema,
      }),
    write: (caller, { id, path, content, version }) =>
      call(caller, id, {
        method: 'PUT',
        path: target('/content', { path, ...(version === null ? {} : { version }) }),
        body: content,
        schema: writtenFileSchema,
      }),
    makeFolder: (caller, { id, path }) => call(caller, id, { ...post('/folder', { path }), schema: fileEntrySchema }),
    rename: (caller, { id, from, to }) =>
      call(caller, id, { ...post('/rename', { from, to }), schema: fileEntrySchema }),
    copy: (caller, { id, from, to }) => call(caller, id, { ...post('/copy', { from, to }), schema: fileEntrySchema }),
    async delete(caller, { id, path }) {
      await call(caller, id, { method: 'DELETE', path: target('/entry', { path }), schema: z.object({}) });
      return {};
    },
    search: (caller, { id, query, mode }) =>
      call(caller, id, { ...get('/search', { query, mode }), schema: fileMatchesSchema }),
    async unsaved(caller, { id }) {
      try {
        return await readUnsaved(await findOpenPod(caller, id));
      } catch (error) {
        // That nobody knows is an answer too, for a person who is about to delete the project.
        const isUnknown = error instanceof AppError && unknownCodes.has(error.code);
        if (!isUnknown) throw error;
        return { unknown: error.message, repository: null };
      }
    },
    gitStatus: async (caller, { id }) => readGitStatus(await findOpenPod(caller, id)),
    gitDiff: async (caller, { id, path }) => readGitDiff(await findOpenPod(caller, id), path),

    async *watch(caller, { id, folders, files, signal, whenWritable }) {
      let shown: string | null = null;
      while (!signal.aborted) {
        let message: string | null = null;
        const admitted = whileAdmitted(() => mayRead(() => findOpenPod(caller, id)));
        const ended = AbortSignal.any([signal, admitted.signal]);
        try {
          const pod = await findOpenPod(caller, id);
          for await (const event of followChanges(requests, pod, { folders, files, signal: ended })) {
            await whenWritable(signal);
            if (signal.aborted) return;
            shown = null;
            yield event;
          }
        } catch (error) {
          message = waitingMessage(error);
        } finally {
          admitted.stop();
        }
        if (signal.aborted) return;
        if (message !== null && message !== shown) {
          await whenWritable(signal);
          yield { type: 'waiting', message };
          shown = message;
        }
        await pause(retryMs, signal);
      }
    },
  };
}

/** An outage, or a project that does not run, is a reason to wait. @throws any other error, which ends the subscription */
function waitingMessage(error: unknown): string {
  const expected = error instanceof AppError ? error : outageOf(error);
  if (expected && ['ILLEGAL_STATE', 'UNAVAILABLE', 'RATE_LIMITED'].includes(expected.code)) return expected.message;
  throw error;
}

/** Ends when the file browser ends the stream. */
async function* followChanges(
  requests: PodRequests,
  pod: ReadyPod,
  { folders, files, signal }: { folders: string[]; files: string[]; signal: AbortSignal },
): AsyncGenerator<FilesEvent, void, undefined> {
  const body = JSON.stringify({ folders, files });
  const stream = await requests.stream(fileBrowserOf(pod), { method: 'POST', path: '/changes', body, signal });
  try {
    let isFirst = true;
    for await (const line of linesOf(stream.body)) {
      const changes = changesLineSchema.safeParse(parseLine(line));
      if (!changes.success) return;
      if (isFirst) yield { type: 'watching' };
      else if (changes.data.folders.length + changes.data.files.length > 0) yield { type: 'changed', ...changes.data };
      isFirst = false;
    }
  } catch (error) {
    if (!signal.aborted && error instanceof AppError) throw error;
    // Otherwise the connection was cut. It is opened again.
  } finally {
    stream.body.destroy();
  }
}

/** Ends at a line that is too long. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength) return;
    yield* lines;
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

export const fileBrowserOf = ({ address, credential }: ReadyPod) => ({
  address,
  credential,
  port: podPorts.fileBrowser,
});

export const target = (path: string, params: Record<string, string>): string =>
  `${path}?${new URLSearchParams(params).toString()}`;

const get = (path: string, params: Record<string, string>) =>
  ({ method: 'GET', path: target(path, params) }) satisfies PodRequest;
const post = (path: string, params: Record<string, string>) =>
  ({ method: 'POST', path: target(path, params) }) satisfies PodRequest;
