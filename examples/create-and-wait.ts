/**
 * Creates a project, waits until it is ready, says how that went, and deletes it.
 *
 *   URL=http://localhost:3080 TOKEN=… node examples/create-and-wait.ts "My project"
 */

import { AppError, createClient, WaitTimeout } from 'opencode-project-manager/sdk';

const { URL: url = 'http://localhost:3080', TOKEN: token = '' } = process.env;
const client = createClient({ url, token });

try {
  const project = await client.projects.create({ name: process.argv[2] ?? 'From the example' });
  console.log(`${project.name} is created: ${url}/projects/${project.id}`);
  const settled = await client.waitFor(project.id, ({ status }) => status === 'ready' || status === 'error', {
    timeoutMs: 120_000,
  });
  console.log(`${settled.name} is ${settled.status}. ${settled.message ?? ''}`);
  await client.projects.delete(project);
  await client.waitFor(project.id, ({ status }) => status === 'archived');
  console.log(`${project.name} is deleted.`);
} catch (error) {
  // Errors of the API are sentences, with a code from a closed list.
  if (error instanceof AppError) console.error(`${error.code}: ${error.message}`);
  else if (error instanceof WaitTimeout) console.error(`${error.message} It was last ${error.project?.status}.`);
  else throw error;
  process.exitCode = 1;
} finally {
  await client.close();
}
