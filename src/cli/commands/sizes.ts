/** The commands about sizes: what there is and what still fits, and another size for a project. */

import { allowanceText } from '../../shared/contract/allowance-text.ts';
import { bytesText } from '../../shared/quantity.ts';
import type { ProjectQuota } from '../../shared/sdk/client.ts';
import type { Command } from '../command.ts';
import { findProject } from '../projects.ts';
import { report } from '../report.ts';
import { formatTable, printable } from '../terminal.ts';

const sizes: Command = {
  name: 'sizes',
  usage: '[--json]',
  summary: 'Show the sizes of projects, what you use, and what you can still start.',
  options: { json: { type: 'boolean' } },
  positionals: { min: 0, max: 0 },
  async run({ client, print }, args) {
    const quota = await client().projects.quota();
    if (args.flag('json')) print(`${JSON.stringify(quota, null, 2)}\n`);
    else print(describe(quota));
  },
};

function describe(quota: ProjectQuota): string {
  const used = describeUse(quota);
  if (quota.sizes.length === 0) {
    const next = allowanceText(quota.default.start, null);
    return `All projects have the same size.\n${used}${next === null ? '' : `${printable(next)}\n`}`;
  }
  const rows = quota.sizes.map(({ name, cpu, memory, storage, isDefault, start }) => [
    isDefault ? `${name} (default)` : name,
    String(cpu),
    bytesText(memory),
    bytesText(storage),
    start.more === null ? 'any number' : String(start.more),
  ]);
  return `${formatTable(['SIZE', 'CPU', 'MEMORY', 'STORAGE', 'CAN START'], rows)}${used}`;
}

/** What has a limit, such as "Running memory: 6 GiB of 8 GiB". */
function describeUse({ running, storage }: ProjectQuota): string {
  return [
    lineOf('Running projects', running.projects, String),
    lineOf('Running CPU', running.cpu, String),
    lineOf('Running memory', running.memory, bytesText),
    lineOf('Storage', storage, bytesText),
  ].join('');
}

function lineOf(what: string, { used, limit }: ProjectQuota['storage'], textOf: (value: number) => string): string {
  return limit === null ? '' : `${what}: ${textOf(used)} of ${textOf(limit)}\n`;
}

const size: Command = {
  name: 'size',
  usage: 'PROJECT NAME|default [--json]',
  summary: 'Give a project another size, from its next start or restart. Its volume stays as it is.',
  options: { json: { type: 'boolean' } },
  positionals: { min: 2, max: 2 },
  async run(context, args) {
    const [name = '', choice = ''] = args.positionals;
    const { id } = await findProject(context.client(), name);
    const project = await context.client().projects.update({ id, size: choice === 'default' ? null : choice });
    await report(context, args, { project, done: 'ready' });
  },
};

export const sizeCommands: Command[] = [sizes, size];
