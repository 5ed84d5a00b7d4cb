/**
 * Runs only the embedded Kubernetes, for a worker in another process (docker-compose.yml). Its data is in DATA_DIR, its
 * kubeconfig is `DATA_DIR/kubeconfig`, and it listens on the loopback address. SIGTERM or Ctrl-C stops it.
 */

import { resolve } from 'node:path';
import process from 'node:process';

import { createEmbeddedKubernetes } from './kubernetes/embedded-kubernetes.ts';

const print = (line: string) => process.stdout.write(`${line}\n`);
try {
  const kubernetes = await createEmbeddedKubernetes({
    dataDir: resolve(process.env['DATA_DIR'] ?? '.data'),
    log: print,
  });
  print(
    `Embedded Kubernetes at ${kubernetes.url} (pods are simulated). For kubectl: export KUBECONFIG=${kubernetes.kubeconfigPath}`,
  );
  const stop = () => void kubernetes.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  process.stderr.write(`Could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
