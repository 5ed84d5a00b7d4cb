/**
 * Gives ten tasks to one project, waits until the agents have finished, and prints what each branch changes.
 *
 *   URL=http://localhost:3080 TOKEN=… node examples/ten-tasks.ts PROJECT-ID "Write a haiku into haiku-{n}.txt"
 */

import { AppError, createClient, type Client } from 'opencode-project-manager/sdk';

const { URL: url = 'http://localhost:3080', TOKEN: token = '' } = process.env;
const [projectId = '', text = 'Write a haiku into the file haiku-{n}.txt'] = process.argv.slice(2);
const client = createClient({ url, token });

async function giveTask(sdk: Client, number: number): Promise<string> {
  const title = text.replaceAll('{n}', String(number));
  const task = await sdk.tasks.create({ projectId, title, idempotencyKey: crypto.randomUUID() });
  const run = await sdk.runs.start({ taskId: task.id, idempotencyKey: crypto.randomUUID() });
  // The output ends when the run has ended.
  for await (const event of sdk.runs.output(run.id)) if (event.type === 'ended') break;
  const { state, message } = await sdk.runs.get(run.id);
  const changes = await sdk.tasks.changes(task.id);
  const files = changes?.files.map(({ path, additions, deletions }) => `${path} +${additions} -${deletions}`) ?? [];
  return [`${number}. ${title}: ${state}. ${message}`, ...files.map((file) => `     ${file}`)].join('\n');
}

try {
  const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
  for (const line of await Promise.all(numbers.map((number) => giveTask(client, number)))) console.log(line);
  console.log(`Review them at ${url}/projects/${projectId}/tasks`);
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await client.close();
}
