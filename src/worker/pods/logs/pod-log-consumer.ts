/**
 * Answers the server's requests for logs. Nobody waits for an answer longer than a few seconds, so a request is never
 * repeated, and an old one is dropped. The answer goes to the list of the server that asked, and is never stored with the job.
 */

import { setTimeout as delay } from 'node:timers/promises';

import { Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';

import {
  podLogJobSchema,
  podLogQueueName,
  podLogTimeLimitMs,
  type PodLogJob,
  type PodLogReply,
} from '../../../shared/contract/pod-logs.ts';
import type { Log } from '../../../shared/node/log.ts';
import { redisTimeMs } from '../../../shared/node/redis.ts';
import type { ReadPodLog } from './read-pod-log.ts';

/** Logs must not take the connections that attempts at commands need. */
const concurrency = 4;
/** By the clock of Redis, which the server has asked too. */
const maxAgeMs = 2 * podLogTimeLimitMs;
/** After this time an answer that no server has taken is deleted. */
const replyTtlSeconds = 10;
/** The time for the running requests, and for Redis to record their end. */
const closeMs = 5_000;

export interface PodLogConsumer {
  /** Waits for the running requests, at most five seconds. */
  close(): Promise<void>;
}

/**
 * @param deps.redis a blocking connection, owned by the caller
 * @param deps.replies a connection for commands, owned by the caller
 */
export function startPodLogConsumer(deps: {
  redis: Redis;
  replies: Redis;
  readLog: ReadPodLog;
  log: Log;
}): PodLogConsumer {
  const { redis, replies, readLog, log } = deps;

  async function process(job: Job<PodLogJob>): Promise<void> {
    const parsed = podLogJobSchema.safeParse(job.data);
    if (!parsed.success || job.id === undefined) {
      log.warn({ job: job.id }, 'a request for a log could not be read');
      return;
    }
    if ((await redisTimeMs(replies)) - job.timestamp > maxAgeMs) return;
    const { replyTo, ...request } = parsed.data;
    const reply: PodLogReply = { jobId: job.id, result: await readLog(request) };
    await replies.multi().rpush(replyTo, JSON.stringify(reply)).expire(replyTo, replyTtlSeconds).exec();
  }

  const worker = new Worker<PodLogJob>(podLogQueueName, process, {
    connection: redis,
    skipVersionCheck: true, // as for the jobs of projects
    concurrency,
    maxStalledCount: 0,
  });
  worker.on('error', (error) => log.debug({ error: error.message }, 'the queue of logs reports an error'));
  worker.on('failed', (job, error) => log.debug({ job: job?.id, error: error.message }, 'a log was not answered'));

  return {
    async close() {
      const closing = worker.close().catch(() => undefined);
      // Without Redis the library would wait for ever.
      if (redis.status === 'ready') await Promise.race([closing, delay(closeMs, undefined, { ref: false })]);
    },
  };
}
