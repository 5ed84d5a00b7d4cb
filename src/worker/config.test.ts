import { describe, expect, it } from 'vitest';

import { ConfigurationError } from '../shared/node/environment.ts';
import { readWorkerConfig } from './config.ts';

const environment = { DATABASE_URL: 'postgresql://user:hunter2@localhost/app', REDIS_URL: 'redis://localhost:6379' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readWorkerConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).problems; // asserted above
  }
  return [];
}

describe('readWorkerConfig', () => {
  it('requires a database and a Redis, and has defaults for everything else', () => {
    expect(readWorkerConfig(environment)).toMatchObject({
      databaseUrl: environment.DATABASE_URL,
      redisUrl: environment.REDIS_URL,
      kubeconfigPath: null,
      namespace: 'opencode',
      concurrency: 20,
      metricsPort: 3081,
      logLevel: 'info',
      pod: {
        imagePullPolicy: 'IfNotPresent',
        imagePullSecrets: [],
        workspaceSize: '1Gi',
        workspaceStorageClass: null,
        openCodeConfigMap: null,
        gitCaConfigMap: null,
      },
    });
    expect(problemsOf({})).toEqual(['DATABASE_URL: is not set.', 'REDIS_URL: is not set.']);
  });

  it('treats an empty variable as not set', () => {
    expect(readWorkerConfig({ ...environment, KUBECONFIG: '', KUBE_NAMESPACE: ' ' })).toMatchObject({
      kubeconfigPath: null,
      namespace: 'opencode',
    });
  });

  it('refuses amounts that Kubernetes would refuse for every pod, and limits below requests, all at once', () => {
    const wrong = {
      WORKSPACE_SIZE: '0',
      OPENCODE_MEMORY_LIMIT: '512m',
      OPENCODE_MEMORY_REQUEST: '1Gb',
      OPENCODE_CPU_LIMIT: '1Gi',
      OPENCODE_CPU_REQUEST: '0.0005',
      WORKER_CONCURRENCY: '0',
    };
    const problems = problemsOf({ ...environment, ...wrong });
    expect(new Set(problems.map((line) => line.split(':')[0]))).toEqual(new Set(Object.keys(wrong)));
    expect(problems.length).toBe(Object.keys(wrong).length);
    expect(problems.join('\n')).toContain('512Mi'); // "512m" are 0.512 bytes
    const crossed = { OPENCODE_MEMORY_LIMIT: '256Mi', OPENCODE_CPU_LIMIT: '50m', REDIS_URL: '' };
    expect(problemsOf({ ...environment, ...crossed }).map((line) => line.split(':')[0])).toEqual([
      'REDIS_URL',
      'OPENCODE_CPU_LIMIT',
      'OPENCODE_MEMORY_LIMIT',
    ]);
    const right = { OPENCODE_MEMORY_LIMIT: '1500M', OPENCODE_CPU_LIMIT: '0.5', WORKSPACE_SIZE: '1.5Ti' };
    expect(problemsOf({ ...environment, ...right })).toEqual([]);
    const equal = { OPENCODE_MEMORY_LIMIT: '1Gi', OPENCODE_MEMORY_REQUEST: '1024Mi', OPENCODE_CPU_LIMIT: '100m' };
    expect(problemsOf({ ...environment, ...equal })).toEqual([]);
  });

  it('lists every invalid variable with what to fix, and repeats no value', () => {
    const wrong = {
      DATABASE_URL: 'mysql://user:hunter2@localhost/app',
      REDIS_URL: 'localhost:6379',
      KUBE_NAMESPACE: 'Not A Namespace',
      LOG_LEVEL: 'loud',
      OPENCODE_IMAGE: 'two words',
      FILE_BROWSER_IMAGE: 'two words',
      SESSION_PROXY_IMAGE: 'two words',
      IMAGE_PULL_POLICY: 'Sometimes',
      IMAGE_PULL_SECRETS: 'fine,NOT fine',
      OPENCODE_CPU_LIMIT: 'much',
      OPENCODE_MEMORY_LIMIT: '1 Gi',
      OPENCODE_CPU_REQUEST: '-1',
      OPENCODE_MEMORY_REQUEST: '1GB',
      OPENCODE_CONFIG_MAP: '/etc/passwd',
      WORKSPACE_SIZE: 'big',
      WORKSPACE_STORAGE_CLASS: 'Fast!',
      WORKER_CONCURRENCY: '0',
      WORKER_METRICS_PORT: '70000',
    };
    const problems = problemsOf(wrong);
    const named = problems.map((problem) => problem.split(/[:.]/)[0]);
    expect(new Set(named)).toEqual(new Set(Object.keys(wrong)));
    for (const problem of problems) expect(problem).toMatch(/^[A-Z_]+(\.\d+)?: .*(must|is not).+\.$/);
    expect(problems.join('\n')).not.toMatch(/hunter2|loud|Sometimes/);
  });
});
