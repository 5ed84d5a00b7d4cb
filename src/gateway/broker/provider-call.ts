/** Calls a provider, through a proxy if there is one. It follows no redirect, sends nothing twice, and limits the time of an answer. */

import { Agent as HttpAgent, request as sendHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as sendHttps } from 'node:https';

const connectTimeoutMs = 10_000;
/** Without a byte. A model may think for minutes before it answers. */
const silenceMs = 10 * 60_000;

/** The proxies for `https:` and `http:` URLs, and the hosts that need none, as in `NO_PROXY`. */
export interface ProxySettings {
  https: string | undefined;
  http: string | undefined;
  without: string | undefined;
}

/** A model on this machine is not behind a proxy. */
const ownHosts = ['localhost', '127.0.0.1', '::1'];

export interface ProviderCalls {
  /** Resolves when the head of the answer has arrived. @throws Error if there is none */
  post(
    url: string,
    options: { headers: Record<string, string>; bytes: Buffer; signal: AbortSignal },
  ): Promise<IncomingMessage>;
  close(): void;
}

export function createProviderCalls(proxy?: ProxySettings, connectMs = connectTimeoutMs): ProviderCalls {
  const proxyEnv = {
    ...(proxy?.https !== undefined && { HTTPS_PROXY: proxy.https }),
    ...(proxy?.http !== undefined && { HTTP_PROXY: proxy.http }),
    NO_PROXY: [...ownHosts, ...(proxy?.without === undefined ? [] : [proxy.without])].join(','),
  };
  const keptAlive = { keepAlive: true, proxyEnv };
  const agents = { http: new HttpAgent(keptAlive), https: new HttpsAgent(keptAlive) };
  return {
    post: (url, { headers, bytes, signal }) =>
      new Promise((resolve, reject) => {
        const options = { method: 'POST', headers, signal, timeout: silenceMs };
        const sent = url.toLowerCase().startsWith('https:')
          ? sendHttps(url, { ...options, agent: agents.https })
          : sendHttp(url, { ...options, agent: agents.http });
        // A request that still waits for its proxy does not report that it was destroyed.
        limitConnecting(sent, connectMs, (error) => {
          sent.destroy(error);
          reject(error);
        });
        signal.addEventListener('abort', () => reject(new Error('Nobody waits for the answer.')), { once: true });
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

/** The socket to a provider behind a proxy is there when the proxy has connected it. */
function limitConnecting(sent: ClientRequest, connectMs: number, giveUp: (error: Error) => void): void {
  const timer = setTimeout(() => giveUp(new Error('The provider cannot be reached.')), connectMs);
  const stop = () => clearTimeout(timer);
  sent.once('close', stop).once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', stop);
    else stop();
  });
}
