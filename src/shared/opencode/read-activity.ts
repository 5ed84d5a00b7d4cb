/** Asks the session proxy of a pod whether somebody uses the project. */

import { isIPv6 } from 'node:net';

import { z } from 'zod';

import { readLimited } from './limited-body.ts';
import { kindOfStatus, OpenCodeError } from './opencode-error.ts';

const sessionProxyPort = 3002;
/** The session proxy asks OpenCode, and looks into terminals. */
const timeLimitMs = 8_000;
const maxAnswerBytes = 16 * 1024;

const activitySchema = z.object({
  instance: z.string().min(1).max(100),
  uses: z.int().nonnegative(),
  busySessions: z.number().nonnegative().nullable(),
  runningCommands: z.number().nonnegative().nullable(),
});
export type ProjectActivity = z.infer<typeof activitySchema>;

/** @throws OpenCodeError when it does not answer, or is of an older version */
export async function readActivity(pod: {
  address: string;
  /** For the sidecars. */
  credential: string;
  signal: AbortSignal;
}): Promise<ProjectActivity> {
  const host = isIPv6(pod.address) ? `[${pod.address}]` : pod.address;
  try {
    const response = await fetch(`http://${host}:${sessionProxyPort}/activity`, {
      headers: { authorization: `Bearer ${pod.credential}` },
      redirect: 'error',
      signal: AbortSignal.any([pod.signal, AbortSignal.timeout(timeLimitMs)]),
    });
    const text = await readLimited(response.body, maxAnswerBytes);
    if (!response.ok) throw new OpenCodeError(kindOfStatus(response.status), `It answered ${response.status}.`);
    return activitySchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof OpenCodeError) throw error;
    throw new OpenCodeError('unreachable', 'The session proxy does not say whether the project is used.', {
      cause: error,
    });
  }
}
