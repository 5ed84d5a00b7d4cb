/** The commands that delete projects or take them back: trash, restore and delete. */

import { CliError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { findProject, findTrashedProject } from '../projects.ts';
import { report } from '../report.ts';
import { ask, printable } from '../terminal.ts';

const json = { json: { type: 'boolean' } } as const;
const wait = { wait: { type: 'boolean', short: 'w' } } as const;
const one = { min: 1, max: 1 };

const trash: Command = {
  name: 'trash',
  usage: 'PROJECT [--wait] [--json]',
  summary: 'Move a project to the trash, which keeps its files for some days.',
  options: { ...json, ...wait },
  positionals: one,
  async run(context, args) {
    const project = await findProject(context.client(), args.positionals[0] ?? '');
    await report(context, args, { project: await context.client().projects.trash(project), done: 'stopped' });
  },
};

const restore: Command = {
  name: 'restore',
  usage: 'PROJECT [--json]',
  summary: 'Take a project out of the trash. It is stopped then.',
  options: json,
  positionals: one,
  async run(context, args) {
    const project = await findTrashedProject(context.client(), args.positionals[0] ?? '');
    await report(context, args, { project: await context.client().projects.restore(project), done: 'stopped' });
  },
};

const remove: Command = {
  name: 'delete',
  usage: 'PROJECT [--trash] [--yes] [--wait] [--json]',
  summary:
    'Delete a project with all its files for good. --trash: one in the trash. Asks first, unless --yes is given.',
  options: { ...json, ...wait, trash: { type: 'boolean' }, yes: { type: 'boolean', short: 'y' } },
  positionals: one,
  async run(context, args) {
    const find = args.flag('trash') ? findTrashedProject : findProject;
    const project = await find(context.client(), args.positionals[0] ?? '');
    if (!args.flag('yes')) {
      if (!context.terminal.input.isTTY) throw new CliError('Add --yes to delete without a question.', 2);
      const answer = await ask(
        context.terminal,
        `Delete ${printable(project.name)} and all its files? Enter its name: `,
      );
      if (answer !== project.name) throw new CliError('That is another name. Nothing was deleted.');
    }
    await report(context, args, { project: await context.client().projects.delete(project), done: 'archived' });
  },
};

export const deletionCommands: Command[] = [trash, restore, remove];
