/** Writes kubeconfig files. */

import { writePrivately } from './credentials.ts';

interface KubeconfigOptions {
  /** The name of cluster, user and context. */
  name: string;
  url: string;
  namespace: string;
  caCertificate: string;
  token: string;
}

/** Writes a kubeconfig with one context. Only the owner may read it. */
export function writeKubeconfig(file: string, options: KubeconfigOptions): void {
  // Every JSON string is also a YAML string.
  const text = JSON.stringify;
  writePrivately(
    file,
    `apiVersion: v1
kind: Config
current-context: ${text(options.name)}
clusters:
  - name: ${text(options.name)}
    cluster:
      server: ${text(options.url)}
      certificate-authority-data: ${Buffer.from(options.caCertificate).toString('base64')}
users:
  - name: ${text(options.name)}
    user:
      token: ${text(options.token)}
contexts:
  - name: ${text(options.name)}
    context:
      cluster: ${text(options.name)}
      user: ${text(options.name)}
      namespace: ${text(options.namespace)}
`,
  );
}
