/** Gives a version of the configuration to the session proxy of a pod, which makes OpenCode read it. */

import { isIPv6 } from 'node:net';

import { configPath, type ConfigFiles } from './config-files.ts';
import { readLimited } from './limited-body.ts';
import { kindOfStatus, OpenCodeError } from './opencode-error.ts';

const sessionProxyPort = 3002;
/** OpenCode ends its sessions first. */
const timeLimitMs = 20_000;
const maxAnswerBytes = 16 * 1024;
const volumeIsFull = 507;

/**
 * Giving the version that the pod has already read has no effect.
 * @param pod `password` is that of OpenCode
 * @throws OpenCodeError `refused` when the files cannot be written; `credential` or `not-found` from a pod that knows no
 * configuration; `unreachable`
 */
export async function giveConfig(
  pod: { address: string; password: string; signal: AbortSignal },
  files: ConfigFiles,
): Promise<void> {
  const { address, password, signal } = pod;
  const host = isIPv6(address) ? `[${address}]` : address;
  try {
    const response = await fetch(`http://${host}:${sessionProxyPort}${configPath}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${password}`, 'content-type': 'application/json' },
      redirect: 'error',
      body: JSON.stringify(files),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeLimitMs)]),
    });
    await readLimited(response.body, maxAnswerBytes);
    if (response.ok) return;
    const kind = response.status === volumeIsFull ? 'refused' : kindOfStatus(response.status);
    throw new OpenCodeError(kind, `The session proxy answered ${response.status}.`);
  } catch (error) {
    if (error instanceof OpenCodeError) throw error;
    throw new OpenCodeError('unreachable', 'The session proxy does not answer.', { cause: error });
  }
}
