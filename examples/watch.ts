/**
 * Prints every change of your projects until Ctrl-C. It continues after restarts of the server and lost connections.
 *
 *   URL=http://localhost:3080 TOKEN=… node examples/watch.ts
 */

import { createClient } from 'opencode-project-manager/sdk';

const { URL: url = 'http://localhost:3080', TOKEN: token = '' } = process.env;
const client = createClient({ url, token });
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());

for await (const project of client.watch(undefined, { signal: stopping.signal })) {
  console.log(`${project.name}: ${project.status}${project.message === null ? '' : ` – ${project.message}`}`);
}
await client.close();
