/** The commands about projects: list, show, create, start, stop, restart, retry, keep, idle-stop, open and logs; `deletion.ts` has more. */

import { spawn } from 'node:child_process';
import process from 'node:process';

import { idleStops } from '../../shared/contract/idle-stop.ts';
import { logContainerSchema, logContainers, type LogContainer } from '../../shared/contract/pod-logs.ts';
import type { Project } from '../../shared/sdk/client.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Context } from '../command.ts';
import { allProjects, findProject } from '../projects.ts';
import { describe, report } from '../report.ts';
import { formatAge, formatTable, printable } from '../terminal.ts';
import { deletionCommands } from './deletion.ts';

const json = { json: { type: 'boolean' } } as const;
const wait = { wait: { type: 'boolean', short: 'w' } } as const;
const one = { min: 1, max: 1 };

const list: Command = {
  name: 'list',
  usage: '[--search TEXT] [--trash] [--json]',
  summary: 'List your projects, the newest first. --trash lists those in the trash.',
  options: { ...json, search: { type: 'string' }, trash: { type: 'boolean' } },
  positionals: { min: 0, max: 0 },
  async run({ client, print }, args) {
    const search = args.text('search');
    const projects: Project[] = [];
    const inTrash = args.flag('trash');
    for await (const project of allProjects(client(), { inTrash, ...(search === undefined ? {} : { search }) })) {
      projects.push(project);
    }
    if (args.flag('json')) print(`${JSON.stringify(projects, null, 2)}\n`);
    else if (projects.length === 0 && inTrash) print('The trash is empty.\n');
    else if (projects.length === 0) print('No projects. "opm create NAME" creates one.\n');
    else {
      const rows = projects.map((project) => [
        project.name,
        project.status,
        formatAge(project.createdAt, Date.now()),
        project.message ?? '',
      ]);
      print(formatTable(['NAME', 'STATUS', 'AGE', 'MESSAGE'], rows));
    }
  },
};

const show: Command = {
  name: 'show',
  usage: 'PROJECT [--json]',
  summary: 'Show the state of a project.',
  options: json,
  positionals: one,
  async run(context, args) {
    const project = await findProject(context.client(), args.positionals[0] ?? '');
    if (args.flag('json')) context.print(`${JSON.stringify(project, null, 2)}\n`);
    else context.print(describe(project, context.login().url));
  },
};

const create: Command = {
  name: 'create',
  usage: 'NAME [--repo URL] [--description TEXT] [--size NAME] [--wait] [--json]',
  summary: 'Create a project. With --wait the command ends when it is ready.',
  options: { ...json, ...wait, repo: { type: 'string' }, description: { type: 'string' }, size: { type: 'string' } },
  positionals: one,
  async run(context, args) {
    const [repoUrl, description, size] = [args.text('repo'), args.text('description'), args.text('size')];
    const project = await context.client().projects.create({
      name: args.positionals[0] ?? '',
      ...(repoUrl === undefined ? {} : { repoUrl }),
      ...(description === undefined ? {} : { description }),
      ...(size === undefined ? {} : { size }),
      idempotencyKey: crypto.randomUUID(),
    });
    await report(context, args, { project, done: 'ready' });
  },
};

type Change = 'start' | 'stop' | 'restart' | 'retry';

function change(name: Change, summary: string, done: Project['status']): Command {
  return {
    name,
    usage: 'PROJECT [--wait] [--json]',
    summary,
    options: { ...json, ...wait },
    positionals: one,
    async run(context, args) {
      const project = await findProject(context.client(), args.positionals[0] ?? '');
      await report(context, args, { project: await context.client().projects[name](project), done });
    },
  };
}

const keep: Command = {
  name: 'keep',
  usage: 'PROJECT [--json]',
  summary: 'Keep a project that is about to stop because it is idle.',
  options: json,
  positionals: one,
  async run(context, args) {
    const project = await findProject(context.client(), args.positionals[0] ?? '');
    await report(context, args, { project: await context.client().projects.keep(project), done: 'ready' });
  },
};

const idleStop: Command = {
  name: 'idle-stop',
  usage: `PROJECT ${idleStops.join('|')} [--json]`,
  summary: 'Choose when a project is stopped because it is idle. "default" is what the installation has set.',
  options: json,
  positionals: { min: 2, max: 2 },
  async run(context, args) {
    const [name = '', value = ''] = args.positionals;
    const choice = idleStops.find((each) => each === value);
    if (!choice) throw new CliError(`Choose one of ${idleStops.join(', ')}.`, 2);
    const { id } = await findProject(context.client(), name);
    const project = await context.client().projects.update({ id, idleStop: choice });
    await report(context, args, { project, done: 'ready' });
  },
};

const open: Command = {
  name: 'open',
  usage: 'PROJECT [--print]',
  summary: 'Open a project in the browser. --print prints the address instead, which works once and for 30 seconds.',
  options: { print: { type: 'boolean' } },
  positionals: one,
  async run({ client, print }, args) {
    const address = await client().projects.open(await findProject(client(), args.positionals[0] ?? ''));
    if (args.flag('print')) print(`${address}\n`);
    else await openBrowser(address);
  },
};

/** The address comes from the server, so only one of http or https is given to the system. */
async function openBrowser(address: string): Promise<void> {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) throw new CliError('The server did not give an address of a web page.');
  const program = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, [url.href], { stdio: 'ignore', detached: true });
    child.once('error', () => reject(new CliError(`${program} could not be started. Add --print to get the address.`)));
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}

const logs: Command = {
  name: 'logs',
  usage: 'PROJECT [--container NAME] [--previous] [--tail LINES] [--follow]',
  summary: `Print the log of a container: ${logContainers.join(', ')}.`,
  options: {
    container: { type: 'string', short: 'c' },
    previous: { type: 'boolean', short: 'p' },
    tail: { type: 'string' },
    follow: { type: 'boolean', short: 'f' },
  },
  positionals: one,
  async run(context, args) {
    const container = logContainerSchema.safeParse(args.text('container') ?? 'opencode-server');
    if (!container.success) throw new CliError(`The containers are ${logContainers.join(', ')}.`, 2);
    const { id } = await findProject(context.client(), args.positionals[0] ?? '');
    if (args.flag('follow')) return followLogs(context, { id, container: container.data });
    const tail = args.text('tail');
    const { lines, message } = await context.client().projects.logs({
      id,
      container: container.data,
      previous: args.flag('previous'),
      ...(tail === undefined ? {} : { tailLines: Number(tail) }),
    });
    if (message !== null) throw new CliError(message);
    for (const { text } of lines) context.print(`${printable(text)}\n`);
  },
};

async function followLogs({ client, signal, print, note }: Context, input: { id: string; container: LogContainer }) {
  await new Promise<void>((resolve, reject) => {
    /** The time of the newest line that was printed. A snapshot after a reconnect repeats older ones. */
    let newest = '';
    const subscription = client().trpc.projects.followLogs.subscribe(input, {
      onData(event) {
        if (event.type === 'waiting') note(`${printable(event.message)}\n`);
        else
          for (const { at, text } of event.lines) {
            if (event.type === 'snapshot' && at <= newest) continue;
            print(`${printable(text)}\n`);
            newest = at;
          }
      },
      onError: reject,
      onComplete: resolve,
    });
    signal.addEventListener('abort', () => {
      subscription.unsubscribe();
      resolve();
    });
  });
}

export const projectCommands: Command[] = [
  list,
  show,
  create,
  change('start', 'Start a project.', 'ready'),
  change('stop', 'Stop a project. Its files stay.', 'stopped'),
  change('restart', 'Restart a project with a new pod.', 'ready'),
  change('retry', 'Try again what has failed.', 'ready'),
  keep,
  idleStop,
  ...deletionCommands,
  open,
  logs,
];
