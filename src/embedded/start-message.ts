/** The lines that `npm start` prints when everything runs. */

import { join } from 'node:path';

export interface StartFacts {
  dataDir: string;
  publicUrl: string;
  seconds: number;
  /** What runs for each service; null for a real service that an environment variable names. */
  postgres: { version: string } | null;
  redis: { source: string } | null;
  kubernetes: object | null;
  issuer: { url: string } | null;
  userNames: readonly string[];
}

export function startMessage(facts: StartFacts): string {
  const { dataDir, publicUrl, seconds, postgres, redis, kubernetes, issuer, userNames } = facts;
  return [
    '',
    'OpenCode Project Manager',
    `  PostgreSQL  ${postgres ? `embedded (${postgres.version})` : 'from DATABASE_URL'}`,
    `  Redis       ${redis ? `embedded (${redis.source})` : 'from REDIS_URL'}`,
    `  Kubernetes  ${kubernetes ? 'embedded (pods are simulated)' : 'from KUBECONFIG'}`,
    `  Sign-in     ${issuer ? `embedded issuer at ${issuer.url}` : 'issuer from OIDC_ISSUER'}`,
    `  Data        ${dataDir}`,
    ...(kubernetes ? [`  kubectl     export KUBECONFIG=${join(dataDir, 'kubeconfig')}`] : []),
    '',
    `Ready after ${seconds.toFixed(1)} s at ${publicUrl}`,
    ...(issuer ? [`Sign in as ${userNames.join(', ')}. The password is the user name. Stop with Ctrl-C.`] : []),
  ].join('\n');
}
