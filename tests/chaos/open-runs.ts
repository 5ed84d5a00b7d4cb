/** What can be known of a run that does not end: its row, its job in Redis, who follows it, and what its agent does. */

import { setTimeout as delay } from 'node:timers/promises';

import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

import { runQueueName, type RunJob } from '../../src/shared/contract/jobs.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import type { Agents } from './agents.ts';
import type { Supervised } from './supervised.ts';

/** Two looks this far apart show whether anything moves. */
const apartMs = 4_000;
const answerMs = 3_000;

export interface OpenRunsPlace {
  db: Database;
  redisUrl: string;
  workers: readonly Supervised[];
  agents: Agents;
}

interface NamedRun {
  id: string;
  projectId: string;
}

/** One line for each thing that is known. It does not fail: a part that cannot be read is replaced by the reason. */
export async function describeOpenRuns(runs: readonly NamedRun[], place: OpenRunsPlace): Promise<string[]> {
  const redis = new Redis(place.redisUrl, { maxRetriesPerRequest: 1, commandTimeout: answerMs });
  redis.on('error', () => undefined); // the command rejects
  const queue = new Queue<RunJob>(runQueueName, { connection: redis, skipVersionCheck: true });
  queue.on('error', () => undefined);
  const look = async () => await Promise.all(runs.map((run) => describe(run, { ...place, redis, queue })));
  try {
    const first = await look();
    await delay(apartMs);
    const second = await look();
    const counts = await orReason(async () => JSON.stringify(await queue.getJobCounts()));
    return [
      `jobs of all runs: ${counts}`,
      ...runs.flatMap(({ id }, index) => [
        `run ${id}`,
        ...(first[index] ?? []).map((line) => `  ${line}`),
        `  ${apartMs / 1_000} s later`,
        ...(second[index] ?? []).map((line) => `  ${line}`),
      ]),
    ];
  } finally {
    await queue.close().catch(() => undefined); // the lines are complete
    redis.disconnect();
  }
}

type Place = OpenRunsPlace & { redis: Redis; queue: Queue<RunJob> };

async function describe({ id, projectId }: NamedRun, place: Place): Promise<string[]> {
  return [
    `row: ${await orReason(() => describeRow(id, place))}`,
    `job: ${await orReason(() => describeJob(id, place))}`,
    ...place.agents.describe(projectId).map((line) => `agent: ${line}`),
  ];
}

async function orReason(describing: () => Promise<string>): Promise<string> {
  try {
    return await describing();
  } catch (error) {
    return `cannot be read: ${String(error)}`;
  }
}

const tellingColumns = [
  'state',
  'desiredState',
  'message',
  'version',
  'attempt',
  'unfinishedAttempts',
  'opencodeSessionId',
  'messageId',
  'workspace',
  'isSaved',
  'pending',
  'answers',
  'createdAt',
  'startedAt',
  'updatedAt',
];

async function describeRow(id: string, { db }: Place): Promise<string> {
  const row: unknown = await db('runs')
    .where({ id })
    .first(...tellingColumns);
  return JSON.stringify(row ?? null);
}

/** As the library names them: taken by, attempts that failed, attempts that began, how often it has stalled. */
const jobFields = ['pb', 'atm', 'ats', 'stc', 'delay', 'timestamp', 'processedOn', 'failedReason'];

async function describeJob(runId: string, { redis, queue, workers }: Place): Promise<string> {
  const jobId = await redis.get(queue.toKey(`de:${runId}`));
  const others = (await jobIdsOf(runId, { redis, queue })).filter((other) => other !== jobId);
  const also = others.length === 0 ? '' : `; also ${others.join(', ')}`;
  if (jobId === null) return `no deduplication key${also}`;
  const [state, fields, lock, lockMs, mayHaveStalled] = await Promise.all([
    queue.getJobState(jobId),
    redis.hmget(queue.toKey(jobId), ...jobFields),
    redis.get(queue.toKey(`${jobId}:lock`)),
    redis.pttl(queue.toKey(`${jobId}:lock`)),
    redis.sismember(queue.toKey('stalled'), jobId),
  ]);
  const [takenBy, ...counters] = fields;
  const worker = workers.find((one) => takenBy?.endsWith(`-${one.current()?.pid}`));
  return [
    `${jobId} is ${state}`,
    lock === null ? 'without a lock' : `locked by ${lock} for ${lockMs} ms`,
    `last taken by ${takenBy ?? 'nobody'} (${worker?.name ?? 'no process that runs'})`,
    ...(mayHaveStalled === 1 ? ['among those that may have stalled'] : []),
    `${counters.map((value, index) => `${jobFields[index + 1]} ${value}`).join(' ')}${also}`,
  ].join(', ');
}

/** The jobs of the run whose data is still in Redis, in a list or not. */
async function jobIdsOf(runId: string, { redis, queue }: Pick<Place, 'redis' | 'queue'>): Promise<string[]> {
  const prefix = queue.toKey('');
  const ids: string[] = [];
  for await (const keys of redis.scanStream({ match: `${prefix}????????-*`, count: 1_000 })) {
    for (const key of keys as string[]) {
      if (key.includes(':', prefix.length)) continue;
      const data = await redis.hget(key, 'data');
      if (data?.includes(runId)) ids.push(key.slice(prefix.length));
    }
  }
  return ids;
}
