/** The `httpGet` probe. */

import { textAt, valueAt, type JsonObject } from '../../../api/kube-object.ts';

/** One request to the pod; null when it is answered with a code from 200 to 399. */
export async function checkHttp(probe: JsonObject, address: string, timeoutMs: number): Promise<string | null> {
  const get = valueAt(probe, 'httpGet');
  const url = `http://${textAt(get, 'host') || address}:${textAt(get, 'port') || '80'}${textAt(get, 'path')}`;
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.status < 400 ? null : `HTTP probe failed with statuscode: ${response.status}`;
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      return `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
    }
    const { host } = new URL(url);
    return `Get "${url}": dial tcp ${host}: connect: connection refused`;
  }
}
