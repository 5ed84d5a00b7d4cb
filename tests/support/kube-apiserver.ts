/**
 * A real kube-apiserver on a real etcd, for tests that state what Kubernetes does. It owns a temporary folder and two
 * child processes, which are ended by their ids. As with every such pair, no controller, scheduler or kubelet runs
 * unless a test brings its own.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { loadCredentials } from '../../src/embedded/kubernetes/api/credentials.ts';
import { writeKubeconfig } from '../../src/embedded/kubernetes/api/kubeconfig.ts';

export interface KubeApiserver {
  url: string;
  /** Of a member of system:masters; the context's namespace is `opencode`, which a test has to make. */
  kubeconfigPath: string;
  /**
   * Writes a kubeconfig for another token; any other user than the administrator has no rights until RBAC gives some.
   * `worker` is known to the API as the service account of k8s/base.
   */
  kubeconfigOf: (user: 'other-user' | 'worker') => string;
  /** Makes etcd forget every past state, as the API server does every five minutes. The API server notices within 1 s. */
  compact: () => Promise<void>;
  stop: () => Promise<void>;
}

/**
 * Starts etcd and kube-apiserver from a folder that holds both, and resolves when the API is ready.
 *
 * Rejects, with the last lines that the process said, when one of them ends or is not ready within 60 s.
 */
export async function startKubeApiserver({ assetsDir }: { assetsDir: string }): Promise<KubeApiserver> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-apiserver-'));
  const [clientPort, peerPort, securePort] = await freePorts();
  const { caCertificate, serverCertificate, serverKey, token } = await loadCredentials(directory, [
    'localhost',
    '127.0.0.1',
  ]);
  const file = (name: string): string => path.join(directory, name);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(file('tls.crt'), serverCertificate);
  await writeFile(file('tls.key'), serverKey);
  await writeFile(file('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(file('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const users = [
    `${token},admin,admin,system:masters`,
    `${token}-other-user,other-user,other-user`,
    `${token}-worker,system:serviceaccount:opencode-system:worker,worker`,
  ];
  await writeFile(file('tokens.csv'), users.join('\n'));

  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const etcd = startChild(path.join(assetsDir, 'etcd'), [
    `--data-dir=${file('etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    '--unsafe-no-fsync',
  ]);
  const apiserver = startChild(path.join(assetsDir, 'kube-apiserver'), [
    `--etcd-servers=${etcdUrl}`,
    `--secure-port=${securePort}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${directory}`,
    `--tls-cert-file=${file('tls.crt')}`,
    `--tls-private-key-file=${file('tls.key')}`,
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--api-audiences=https://kubernetes.default.svc',
    `--token-auth-file=${file('tokens.csv')}`,
    '--anonymous-auth=false',
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--disable-admission-plugins=ServiceAccount',
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all([apiserver.stop(), etcd.stop()]);
    await rm(directory, { recursive: true, force: true });
  };
  const url = `https://127.0.0.1:${securePort}`;
  const kubeconfigOf = (user: string, userToken: string): string => {
    const kubeconfigPath = file(`kubeconfig-${user}`);
    writeKubeconfig(kubeconfigPath, { name: user, url, namespace: 'opencode', caCertificate, token: userToken });
    return kubeconfigPath;
  };
  try {
    await waitUntilReady({ url, token, caCertificate, children: [etcd, apiserver] });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    kubeconfigPath: kubeconfigOf('admin', token),
    kubeconfigOf: (user) => kubeconfigOf(user, `${token}-${user}`),
    compact: () => compactEtcd(etcdUrl),
    stop,
  };
}

interface Child {
  name: string;
  process: ChildProcess;
  lastMessage: () => string;
  stop: () => Promise<void>;
}

function startChild(command: string, args: string[]): Child {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-4000);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      words += error.message;
      resolve();
    });
  });
  // A test run that is cut short must not leave servers behind.
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  return {
    name: path.basename(command),
    process: child,
    lastMessage: () => words,
    stop: async () => {
      // Its data is deleted, so it needs no graceful shutdown.
      child.kill('SIGKILL');
      await ended;
      process.off('exit', killWithUs);
    },
  };
}

async function waitUntilReady(options: {
  url: string;
  token: string;
  caCertificate: string;
  children: Child[];
}): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const dead = options.children.find(({ process }) => process.exitCode !== null || process.pid === undefined);
    if (dead !== undefined)
      throw new Error(`${dead.name} ended before it was ready. It said last:\n${dead.lastMessage()}`);
    if ((await statusOf(options)) === 200) return;
    await delay(100);
  }
  const words = options.children.map((child) => `${child.name}: ${child.lastMessage()}`).join('\n');
  throw new Error(`kube-apiserver was not ready within 60 s.\n${words}`);
}

async function statusOf({
  url,
  token,
  caCertificate,
}: {
  url: string;
  token: string;
  caCertificate: string;
}): Promise<number> {
  return await new Promise((resolve) => {
    const sent = request(
      `${url}/readyz`,
      { ca: caCertificate, headers: { authorization: `Bearer ${token}` }, timeout: 2000, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on('timeout', () => sent.destroy());
    // Not listening yet, or not speaking yet: the next attempt will tell.
    sent.on('error', () => resolve(0));
    sent.end();
  });
}

async function compactEtcd(etcdUrl: string): Promise<void> {
  const post = async (name: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${etcdUrl}/v3/kv/${name}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd refused to ${name}: ${await answer.text()}`);
    // etcd's gateway answers with an object.
    return (await answer.json()) as Record<string, unknown>;
  };
  const { header } = await post('range', { key: Buffer.from('/').toString('base64') });
  const { revision } = header as { revision: string };
  // The API server announces its own compactions under this key. On a change it drops the snapshots of its watch cache.
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  await post('put', { key: base64('compact_rev_key'), value: base64(revision) });
  await post('compaction', { revision });
}

/** Three ports that were free a moment ago. */
async function freePorts(): Promise<[number, number, number]> {
  const servers = await Promise.all(
    [1, 2, 3].map(
      async () =>
        await new Promise<{ port: number; close: () => Promise<void> }>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const { port } = server.address() as AddressInfo;
            resolve({ port, close: async () => await new Promise((done) => void server.close(() => done())) });
          });
        }),
    ),
  );
  await Promise.all(servers.map(async (server) => await server.close()));
  const [first, second, third] = servers.map((server) => server.port);
  // Three were asked for.
  return [first!, second!, third!];
}
