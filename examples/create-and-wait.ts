/**
 * Creates a project, waits until it is ready or has failed, prints the result, and deletes it.
 *
 *   URL=http://localhost:3080 TOKEN=… node examples/create-and-wait.ts "My project"
 */

import { AppError, createClient, WaitTimeout } from 'opencode-project-manager/sdk';

const { URL: url = 'http://localhost:3080', TOKEN: token = '' } = process.env;
const client = createClient({ url, token });

try {
  const project = await client.projects.create({ name: process.argv[2] ?? 'From the example' });
  console.log(`Created ${project.name}: ${url}/projects/${project.id}`);
  const settled = await client.waitFor(project.id, ({ status }) => status === 'ready' || status === 'error', {
    timeoutMs: 120_000,
  });
  console.log(`${settled.name} is ${settled.status}. ${settled.message ?? ''}`);
  await client.projects.delete(project);
  await client.waitFor(project.id, ({ status }) => status === 'archived');
  console.log(`Deleted ${project.name}.`);
} catch (error) {
  // Errors of the API have a message for people and a code from a closed list.
  if (error instanceof AppError) console.error(`${error.code}: ${error.message}`);
  else if (error instanceof WaitTimeout)
    console.error(`${error.message} Its last status was ${error.project?.status}.`);
  else throw error;
  process.exitCode = 1;
} finally {
  await client.close();
}
