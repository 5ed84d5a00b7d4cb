/**
 * The server's side of the queue for logs: it asks a worker for the log of a container and waits for the answer. All
 * answers for this server arrive in one list of Redis, which one connection reads. Only the worker talks to Kubernetes.
 */

import { randomUUID } from 'node:crypto';

import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

import { AppError } from '../../shared/contract/errors.ts';
import {
  podLogQueueName,
  podLogRepliesPrefix,
  podLogReplySchema,
  podLogTimeLimitMs,
  type PodLogJob,
  type PodLogRequest,
  type PodLogResult,
} from '../../shared/contract/pod-logs.ts';
import type { Log } from '../../shared/node/log.ts';
import { pause } from '../../shared/node/periodic.ts';
import { redisTimeMs } from '../../shared/node/redis.ts';
import { parseJson } from '../../shared/parse-json.ts';

/** Shorter than the time after which a silent connection is closed. */
const blockSeconds = 5;
const retryMs = 1_000;

/** @throws AppError UNAVAILABLE after at most five seconds; whatever the reason of the signal is */
export type ReadLog = (request: PodLogRequest, signal?: AbortSignal) => Promise<PodLogResult>;

export interface PodLogQueue {
  read: ReadLog;
  /** Passes on the answers of workers, until `signal` aborts. Never rejects. */
  receiveReplies(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param deps.redis a connection for producers, owned by the caller
 * @param deps.replies a blocking connection that nothing else uses, owned by the caller
 */
export function createPodLogQueue({ redis, replies, log }: { redis: Redis; replies: Redis; log: Log }): PodLogQueue {
  const replyTo = `${podLogRepliesPrefix}${randomUUID()}`;
  const waiting = new Map<string, (result: PodLogResult) => void>();
  const queue = new Queue<PodLogJob, void>(podLogQueueName, { connection: redis, skipVersionCheck: true });
  queue.on('error', (error) => log.debug({ error: error.message }, 'the queue of logs reports an error'));

  function receive(text: string): void {
    const reply = podLogReplySchema.safeParse(parseJson(text));
    if (!reply.success) log.warn('an answer about a log could not be read');
    else waiting.get(reply.data.jobId)?.(reply.data.result);
  }

  async function ask(jobId: string, request: PodLogRequest): Promise<void> {
    await queue.add(
      'read-log',
      { ...request, replyTo },
      { jobId, timestamp: await redisTimeMs(redis), attempts: 1, removeOnComplete: true, removeOnFail: true },
    );
  }

  async function receiveUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const entry = await replies.blpop(replyTo, blockSeconds);
        if (entry) receive(entry[1]);
      } catch (error) {
        if (signal.aborted) return;
        log.debug({ error: String(error) }, 'answers about logs could not be read; trying again');
        await pause(retryMs, signal);
      }
    }
  }

  return {
    async read(request, signal) {
      // Otherwise the library would keep the job and add it when Redis returns, when nobody waits for it any more.
      if (redis.status !== 'ready') throw noRedis();
      const jobId = randomUUID();
      const answer = Promise.withResolvers<PodLogResult>();
      const limit = AbortSignal.timeout(podLogTimeLimitMs);
      const onLimit = () => answer.reject(noWorker());
      const onAbort = () => answer.reject(signal?.reason);
      limit.addEventListener('abort', onLimit, { once: true });
      signal?.addEventListener('abort', onAbort, { once: true });
      waiting.set(jobId, answer.resolve);
      ask(jobId, request).catch((error: unknown) => answer.reject(noRedis(error)));
      try {
        return await answer.promise;
      } catch (error) {
        // A worker that starts later must not read logs for nobody.
        void queue.remove(jobId).catch(() => undefined);
        throw error;
      } finally {
        waiting.delete(jobId);
        signal?.removeEventListener('abort', onAbort);
      }
    },
    async receiveReplies(signal) {
      const aborted = Promise.withResolvers<void>();
      const stop = () => {
        replies.disconnect();
        // A command that waits for a dead Redis never settles.
        aborted.resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      await Promise.race([receiveUntil(signal), aborted.promise]);
      signal.removeEventListener('abort', stop);
    },
    close: () =>
      queue.close().catch((error: unknown) => log.debug({ error: String(error) }, 'the queue of logs did not close')),
  };
}

function noWorker(): AppError {
  return new AppError(
    'UNAVAILABLE',
    'The log could not be read, because no worker answers. Try again in a few seconds.',
    {
      retryAfterSeconds: 2,
    },
  );
}

function noRedis(cause?: unknown): AppError {
  return new AppError(
    'UNAVAILABLE',
    'The log could not be read, because Redis does not answer. Try again in a few seconds.',
    {
      retryAfterSeconds: 2,
      cause,
    },
  );
}
