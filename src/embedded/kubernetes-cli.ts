/**
 * The embedded Kubernetes by itself, for a worker that runs elsewhere (docker-compose.yml): data in DATA_DIR, kubeconfig at
 * `DATA_DIR/kubeconfig`, on the loopback address. Stopped by SIGTERM or Ctrl-C.
 */

import { resolve } from 'node:path';
import process from 'node:process';

import { createEmbeddedKubernetes } from './kubernetes/embedded-kubernetes.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);
try {
  const kubernetes = await createEmbeddedKubernetes({ dataDir: resolve(process.env['DATA_DIR'] ?? '.data'), log: say });
  say(`Embedded Kubernetes at ${kubernetes.url} (pods are simulated); export KUBECONFIG=${kubernetes.kubeconfigPath}`);
  const stop = () => void kubernetes.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  process.stderr.write(`Could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
