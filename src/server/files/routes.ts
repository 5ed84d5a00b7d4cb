/**
 * The bytes of files over HTTP, which tRPC cannot carry:
 *
 * - `GET /files/<project id>/content?path=` downloads a file, and `/archive?path=` a folder as `.tar.gz`.
 * - `PUT /files/<project id>/content?path=&upload=&offset=&total=&replace=` receives a part of a file: 204, and 200 after the
 *   last part. `DELETE` with `path` and `upload` forgets what has arrived.
 *
 * Downloads are attachments: a browser never shows them as a page of this origin.
 */

import { pipeline } from 'node:stream/promises';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { AppError, fieldErrorsOf } from '../../shared/contract/errors.ts';
import { projectIdSchema } from '../../shared/contract/fields.ts';
import { maxUploadBytes, maxUploadPartBytes } from '../../shared/contract/file-limits.ts';
import { filePathSchema } from '../../shared/contract/files.ts';
import type { Log } from '../../shared/node/log.ts';
import { bearerOf, type Identify } from '../auth/identity.ts';
import { changeRefusal } from '../http/origin.ts';
import type { RateLimits } from '../http/rate-limit.ts';
import { fromFastifyError, notSignedIn, refuse } from '../http/trpc-routes.ts';
import { maxDownloadMs, maxTransfersPerUser } from '../limits.ts';
import type { ProjectCaller } from '../services.ts';
import type { FindOpenPod } from './open-pod.ts';
import type { PodRequests } from './pod-requests.ts';
import { fileBrowserOf, target } from './service.ts';
import { mayRead, whileAdmitted } from './while-admitted.ts';

export interface FileRoutesDeps {
  identify: Identify;
  rateLimits: RateLimits;
  publicOrigin: () => string;
  findOpenPod: FindOpenPod;
  podRequests: PodRequests;
  log: Log;
}

const paramsSchema = z.object({ id: projectIdSchema });
const pathSchema = z.strictObject({ path: filePathSchema });
const uploadSchema = z.strictObject({
  path: filePathSchema,
  upload: z.string().regex(/^[A-Za-z0-9-]{8,64}$/, 'Name the upload with 8 to 64 letters, digits or dashes.'),
});
const partSchema = uploadSchema.extend({
  offset: z.coerce.number().int().min(0),
  total: z.coerce.number().int().min(0).max(maxUploadBytes, 'The file is too large: at most 512 MiB can be uploaded.'),
  replace: z.enum(['true', 'false']).default('false'),
});

/** A request of somebody who is signed in, for a project. */
interface FileRequest {
  caller: ProjectCaller;
  id: string;
}

export function registerFileRoutes(app: FastifyInstance, deps: FileRoutesDeps): void {
  const { findOpenPod, podRequests, identify, log } = deps;
  const admit = createAdmission(deps);
  const transfers = createTransfers();

  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler((error, request, reply) => {
    const appError = fromFastifyError(error);
    if (appError.code === 'INTERNAL') log.error({ err: error, requestId: request.id }, 'a request failed');
    return refuse(reply, appError);
  });

  /** @throws AppError while it cannot be known */
  async function mayContinue({ headers }: FastifyRequest, { caller, id }: FileRequest): Promise<boolean> {
    const { user, refusal } = await identify.fromHeaders(headers);
    if (user === null && refusal !== null && refusal.code !== 'UNAUTHENTICATED') throw refusal;
    if (user?.id !== caller.user.id) return false;
    return mayRead(() => findOpenPod(caller, id));
  }

  /** Streams what the file browser sends, as an attachment. */
  async function download(request: FastifyRequest, reply: FastifyReply, kind: 'content' | 'archive'): Promise<void> {
    const { caller, id } = await admit(request, 'files.read');
    const query = parsed(pathSchema, request.query);
    const closed = new AbortController();
    reply.raw.once('close', () => closed.abort());
    const admitted = whileAdmitted(() => mayContinue(request, { caller, id }));
    const ended = AbortSignal.any([closed.signal, admitted.signal, AbortSignal.timeout(maxDownloadMs)]);
    await transfers
      .run(caller.user.id, async () => {
        const pod = fileBrowserOf(await findOpenPod(caller, id));
        const path = target(`/${kind}`, query);
        const { body, length } = await podRequests.stream(pod, { method: 'GET', path, signal: ended });
        reply.hijack();
        reply.raw.writeHead(200, {
          ...(reply.getHeaders() as Record<string, string>), // Fastify's headers are texts here
          ...attachmentHeaders(kind, query.path),
          ...(length === null ? {} : { 'content-length': String(length) }),
        });
        // A broken connection says that the file is not complete.
        await pipeline(body, reply.raw).catch(() => reply.raw.destroy());
      })
      .finally(admitted.stop);
  }

  const longRequest = { handlerTimeout: maxDownloadMs };
  app.get('/files/:id/content', longRequest, (request, reply) => download(request, reply, 'content'));
  app.get('/files/:id/archive', longRequest, (request, reply) => download(request, reply, 'archive'));

  app.put('/files/:id/content', { bodyLimit: maxUploadPartBytes }, async (request, reply) => {
    const { caller, id } = await admit(request, 'files.write');
    const { path, upload, offset, total, replace } = parsed(partSchema, request.query);
    const pod = await findOpenPod(caller, id);
    const params = { path, upload, offset: `${offset}`, total: `${total}`, replace };
    const { isComplete } = await podRequests.json(fileBrowserOf(pod), {
      method: 'PUT',
      path: target('/upload', params),
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      schema: z.object({ isComplete: z.boolean() }),
    });
    return isComplete ? reply.send({ size: total }) : reply.code(204).send();
  });

  app.delete('/files/:id/content', async (request, reply) => {
    const { caller, id } = await admit(request, 'files.write');
    const params = parsed(uploadSchema, request.query);
    const pod = await findOpenPod(caller, id);
    const path = target('/upload', params);
    await podRequests.json(fileBrowserOf(pod), { method: 'DELETE', path, schema: z.object({}) });
    return reply.code(204).send();
  });
}

/** As for calls by tRPC: limits, origin, and who is signed in. */
function createAdmission({ identify, rateLimits, publicOrigin }: FileRoutesDeps) {
  /** @param right what the caller needs */
  return async (request: FastifyRequest, right: 'files.read' | 'files.write'): Promise<FileRequest> => {
    rateLimits.admitRequest(request.ip);
    const isChange = !['GET', 'HEAD'].includes(request.method);
    const needsOriginCheck = bearerOf(request.headers) === null && isChange;
    const refusal = needsOriginCheck ? changeRefusal(request.headers, publicOrigin()) : null;
    if (refusal) throw new AppError('FORBIDDEN', refusal);
    const { user, refusal: unknown } = await identify.fromHeaders(request.headers);
    if (unknown?.code !== 'UNAVAILABLE') {
      rateLimits.admitCalls({ userId: user?.id ?? null, address: request.ip }, 1);
    }
    if (user === null) throw unknown ?? notSignedIn();
    return { caller: { user, requestId: request.id, right }, id: parsed(paramsSchema, request.params).id };
  };
}

/** Downloads at the same time, by user. */
function createTransfers() {
  const running = new Map<string, number>();
  return {
    async run(userId: string, task: () => Promise<void>): Promise<void> {
      const count = running.get(userId) ?? 0;
      if (count >= maxTransfersPerUser) {
        const message = `At most ${maxTransfersPerUser} files are downloaded at the same time. Wait for one to end.`;
        throw new AppError('RATE_LIMITED', message, { retryAfterSeconds: 5 });
      }
      running.set(userId, count + 1);
      try {
        await task();
      } finally {
        const left = (running.get(userId) ?? 1) - 1;
        if (left === 0) running.delete(userId);
        else running.set(userId, left);
      }
    },
  };
}

function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = fieldErrorsOf(result.error);
  const [first] = Object.entries(fields);
  throw new AppError('VALIDATION_FAILED', first ? `${first[0]}: ${first[1]}` : 'The request is not valid.', { fields });
}

function attachmentHeaders(kind: 'content' | 'archive', path: string): Record<string, string> {
  const name = path.split('/').at(-1) || 'project';
  const fileName = kind === 'archive' ? `${name}.tar.gz` : name;
  return {
    'content-type': kind === 'archive' ? 'application/gzip' : 'application/octet-stream',
    'content-disposition': `attachment; filename*=UTF-8''${encodeRfc5987(fileName)}`,
  };
}

/** The characters of a file name that RFC 5987 allows as they are; all others are escaped. */
function encodeRfc5987(name: string): string {
  return encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
