/** Calls a provider. It follows no redirect, sends nothing twice, and limits the time of an answer. */

import { Agent as HttpAgent, request as sendHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as sendHttps } from 'node:https';

const connectTimeoutMs = 10_000;
/** Without a byte. A model may think for minutes before it answers. */
const silenceMs = 10 * 60_000;

export interface ProviderCalls {
  /** Resolves when the head of the answer has arrived. @throws Error if there is none */
  post(
    url: string,
    options: { headers: Record<string, string>; bytes: Buffer; signal: AbortSignal },
  ): Promise<IncomingMessage>;
  close(): void;
}

export function createProviderCalls(): ProviderCalls {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  return {
    post: (url, { headers, bytes, signal }) =>
      new Promise((resolve, reject) => {
        const options = { method: 'POST', headers, signal, timeout: silenceMs };
        const sent = url.toLowerCase().startsWith('https:')
          ? sendHttps(url, { ...options, agent: agents.https })
          : sendHttp(url, { ...options, agent: agents.http });
        limitConnecting(sent);
        sent.on('timeout', () => sent.destroy(new Error('The provider is silent.')));
        sent.once('response', resolve);
        sent.on('error', reject);
        sent.end(bytes);
      }),
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function limitConnecting(sent: ClientRequest): void {
  sent.once('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => sent.destroy(new Error('The provider cannot be reached.')), connectTimeoutMs);
    socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}
