/**
 * The live output of runs: a capped stream in Redis for each run, which expires. Only the texts that stream are here; what is
 * durable is in PostgreSQL. Without Redis the board and the panel are correct, and less lively.
 */

import type { Redis } from 'ioredis';

import { outputEntrySchema, type OutputEntry } from '../contract/tasks.ts';
import { parseJson } from '../parse-json.ts';

/** Some minutes of a busy agent. Earlier output is in the transcript. */
const maxLength = 1_000;
const ttlSeconds = 3_600;
/** Entries of one read. */
const batchSize = 500;

const keyOf = (runId: string) => `opencode:run-output:${runId}`;

/** Before the first entry. */
export const outputStart = '0-0';

/** Appends entries. @throws when Redis does not accept them */
export async function appendOutput(redis: Redis, runId: string, entries: OutputEntry[]): Promise<void> {
  const key = keyOf(runId);
  const pipeline = redis.pipeline();
  for (const entry of entries) pipeline.xadd(key, 'MAXLEN', '~', maxLength, '*', 'entry', JSON.stringify(entry));
  await pipeline.expire(key, ttlSeconds).exec();
}

/** The entries after this id, at most some hundred, and the id of the last one. @throws when Redis does not answer */
export async function readOutput(
  redis: Redis,
  runId: string,
  after: string,
): Promise<{ entries: OutputEntry[]; last: string }> {
  const read = await redis.xrange(keyOf(runId), `(${after}`, '+', 'COUNT', batchSize);
  const entries = read.flatMap(([, fields]) => {
    const parsed = outputEntrySchema.safeParse(parseJson(fields[1] ?? ''));
    return parsed.success ? [parsed.data] : []; // another version of the program wrote it
  });
  return { entries, last: read.at(-1)?.[0] ?? after };
}
