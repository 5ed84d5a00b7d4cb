/** `opm task list` and `opm task run`: gives work to the coding agent of a project and shows what it does. */

import { hasEnded, type Run, type TranscriptMessage } from '../../shared/contract/tasks.ts';
import { applyOutput } from '../../shared/sdk/client.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Context } from '../command.ts';
import { findProject } from '../projects.ts';
import { formatTable, printable } from '../terminal.ts';

const list: Command = {
  name: 'task list',
  usage: 'PROJECT [--json]',
  summary: 'List the tasks of a project.',
  options: { json: { type: 'boolean' } },
  positionals: { min: 1, max: 1 },
  async run({ client, print }, args) {
    const { id } = await findProject(client(), args.positionals[0] ?? '');
    const tasks = await client().tasks.list(id);
    if (args.flag('json')) return print(`${JSON.stringify(tasks, null, 2)}\n`);
    const rows = tasks.map((task) => [task.id, task.state, task.latestRun?.state ?? '', task.title]);
    print(formatTable(['ID', 'STATE', 'RUN', 'TITLE'], rows));
  },
};

const run: Command = {
  name: 'task run',
  usage: 'PROJECT TEXT [--title TEXT] [--detach]',
  summary:
    'Create a task, give it to the agent and print its answer as it is written. Ctrl-C leaves the agent at work.',
  options: { title: { type: 'string' }, detach: { type: 'boolean', short: 'd' } },
  positionals: { min: 2, max: 2 },
  async run(context, args) {
    const { client, print, note } = context;
    const [named = '', text = ''] = args.positionals;
    const { id: projectId } = await findProject(client(), named);
    const [firstLine = ''] = text.trim().split('\n');
    const task = await client().tasks.create({
      projectId,
      title: args.text('title') ?? firstLine.slice(0, 200),
      description: text,
      idempotencyKey: crypto.randomUUID(),
    });
    const started = await client().runs.start({ taskId: task.id, prompt: text, idempotencyKey: crypto.randomUUID() });
    if (args.flag('detach')) return print(`${task.id}\n`);
    note(`Task ${task.id}\n`);
    await printOutput(context, started);
    const ended = await client().runs.get(started.id);
    if (!hasEnded(ended)) return note('The agent goes on. "opm task list" shows its state.\n');
    if (ended.state !== 'succeeded') throw new CliError(printable(ended.message));
  },
};

/** Prints the texts of the agent, and notes its tool calls, until the run has ended or Ctrl-C is pressed. */
async function printOutput(context: Context, { id, taskId, projectId }: Run): Promise<void> {
  const { client, signal, print } = context;
  const output = createOutputPrinter(context);
  const ended = new AbortController();
  const requests = noteRequests(context, { taskId, projectId }, AbortSignal.any([signal, ended.signal]));
  try {
    let messages: TranscriptMessage[] = [];
    for await (const event of client().runs.output(id, { signal })) {
      messages = applyOutput(messages, event);
      for (const message of messages) if (message.role === 'assistant') output.write(message);
    }
  } finally {
    ended.abort();
    await requests;
  }
  if (output.hasText()) print('\n');
}

function createOutputPrinter({ print, note }: Context) {
  /** How much of each text was printed, and which tool calls. */
  const printed = new Map<string, number>();
  let lastText: string | null = null;
  return {
    hasText: () => lastText !== null,
    write({ parts }: TranscriptMessage): void {
      for (const part of parts) {
        const before = printed.get(part.id);
        if (part.type === 'tool' && before === undefined && part.status !== 'pending') {
          note(`[${printable(part.tool)}] ${printable(part.title ?? '')}\n`);
          printed.set(part.id, 1);
        } else if (part.type === 'text' && part.text.length > (before ?? 0)) {
          if (lastText !== null && lastText !== part.id) print('\n\n');
          lastText = part.id;
          print(printable(part.text.slice(before ?? 0)));
          printed.set(part.id, part.text.length);
        }
      }
    },
  };
}

/** Notes that the agent waits for a person. */
async function noteRequests(
  { client, note, login }: Context,
  { taskId, projectId }: { taskId: string; projectId: string },
  signal: AbortSignal,
): Promise<void> {
  const noted = new Set<string>();
  for await (const event of client().tasks.watch(projectId, { signal })) {
    const tasks = event.type === 'snapshot' ? event.tasks : event.type === 'changed' ? [event.task] : [];
    for (const { latestRun } of tasks.filter((task) => task.id === taskId)) {
      for (const request of latestRun?.pending ?? []) {
        if (noted.has(request.id)) continue;
        noted.add(request.id);
        note(`The agent waits for your answer: ${login().url}/projects/${projectId}\n`);
      }
    }
  }
}

export const taskCommands: Command[] = [list, run];
