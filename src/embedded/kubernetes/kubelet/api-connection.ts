/** Reads the address and the credentials of an API from a kubeconfig. */

import type { RequestOptions } from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node';

/** The address of an API and the credentials for it. */
export interface ApiConnection {
  url: string;
  tls: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'>;
  headers: Record<string, string>;
}

/** The connection that a kubeconfig's current context describes. Throws when there is no such context. */
export async function connectionOf(kubeConfig: KubeConfig): Promise<ApiConnection> {
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) {
    throw new Error('The kubeconfig names no current cluster; set current-context to one that exists.');
  }
  const options: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized } = options;
  const given = Object.entries({ ca, cert, key, rejectUnauthorized }).filter(([, value]) => value !== undefined);
  return {
    url: cluster.server,
    tls: Object.fromEntries(given),
    headers: Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)])),
  };
}

/** The same for a kubeconfig file. */
export async function connectionOfFile(kubeconfigPath: string): Promise<ApiConnection> {
  // Imported only here: it takes a second to load, and the embedded cluster does not need it.
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const kubeConfig = new Config();
  kubeConfig.loadFromFile(kubeconfigPath);
  return await connectionOf(kubeConfig);
}
