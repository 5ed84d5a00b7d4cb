/** The lines that `npm start` prints when everything runs. */

import { join } from 'node:path';

export interface StartFacts {
  dataDir: string;
  publicUrl: string;
  seconds: number;
  /** What runs for each service; null for a real service that an environment variable names. */
  postgres: { version: string } | null;
  redis: { source: string } | null;
  kubernetes: { runtime: { kind: 'sandbox' | 'process' } | { kind: 'simulated'; reason: string } } | null;
  /** Bytes that processes can still take. */
  availableMemory: number;
  issuer: { url: string } | null;
  userNames: readonly string[];
}

export function startMessage(facts: StartFacts): string {
  const { dataDir, publicUrl, seconds, availableMemory, postgres, redis, kubernetes, issuer, userNames } = facts;
  return [
    '',
    'OpenCode Project Manager',
    `  PostgreSQL  ${postgres ? `embedded (${postgres.version})` : 'from DATABASE_URL'}`,
    `  Redis       ${redis ? `embedded (${redis.source})` : 'from REDIS_URL'}`,
    `  Kubernetes  ${kubernetes ? `embedded (${describePods(kubernetes.runtime, availableMemory)})` : 'from KUBECONFIG'}`,
    `  Sign-in     ${issuer ? `embedded issuer at ${issuer.url}` : 'issuer from OIDC_ISSUER'}`,
    `  Data        ${dataDir}`,
    ...(kubernetes ? [`  kubectl     export KUBECONFIG=${join(dataDir, 'kubeconfig')}`] : []),
    '',
    `Ready after ${seconds.toFixed(1)} s at ${publicUrl}`,
    ...(issuer ? [`Sign in as ${userNames.join(', ')}. The password is the user name. Stop with Ctrl-C.`] : []),
  ].join('\n');
}

/** What one running project takes, as measured with OpenCode and both sidecars. */
const projectBytes = 400 * 1024 * 1024;

function describePods(runtime: NonNullable<StartFacts['kubernetes']>['runtime'], availableMemory: number): string {
  switch (runtime.kind) {
    case 'sandbox':
      return `pods run as sandboxed processes; about ${Math.floor(availableMemory / projectBytes)} fit into the memory`;
    case 'process':
      return 'pods run as plain processes: agents can read your files';
    case 'simulated':
      return `pods are simulated, because ${runtime.reason}`;
  }
}
