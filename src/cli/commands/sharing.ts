/** The commands about the people with whom projects are shared: share, unshare, members and leave. */

import type { ProjectMembers } from '../../shared/contract/members.ts';
import { memberRoles } from '../../shared/contract/roles.ts';
import { CliError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { findProject } from '../projects.ts';
import { formatTable } from '../terminal.ts';

const json = { json: { type: 'boolean' } } as const;

function tableOf({ owner, members }: ProjectMembers): string {
  const rows = [{ ...owner, role: 'owner' }, ...members].map(({ name, email, role }) => [name, email ?? '', role]);
  return formatTable(['NAME', 'ADDRESS', 'ROLE'], rows);
}

const printed = (members: ProjectMembers, isJson: boolean): string =>
  isJson ? `${JSON.stringify(members, null, 2)}\n` : tableOf(members);

const share: Command = {
  name: 'share',
  usage: `PROJECT ADDRESS [--role ${memberRoles.join('|')}] [--json]`,
  summary: 'Share a project with somebody who has signed in before, as viewer unless another role is given.',
  options: { ...json, role: { type: 'string' } },
  positionals: { min: 2, max: 2 },
  async run({ client, print }, args) {
    const [name = '', email = ''] = args.positionals;
    const role = memberRoles.find((one) => one === (args.text('role') ?? 'viewer'));
    if (!role) throw new CliError(`Choose one of the roles ${memberRoles.join(' and ')}.`, 2);
    const { id } = await findProject(client(), name);
    print(printed(await client().members.add({ id, email, role }), args.flag('json')));
  },
};

const unshare: Command = {
  name: 'unshare',
  usage: 'PROJECT ADDRESS [--json]',
  summary: 'End sharing a project with somebody. What the person has open ends within five seconds.',
  options: json,
  positionals: { min: 2, max: 2 },
  async run({ client, print }, args) {
    const [name = '', address = ''] = args.positionals;
    const { id } = await findProject(client(), name);
    const { members } = await client().members.list(id);
    const found = members.find(({ email }) => email?.toLowerCase() === address.toLowerCase());
    if (!found) throw new CliError('The project is shared with nobody of this address. "opm members" lists everybody.');
    print(printed(await client().members.remove({ id, userId: found.userId }), args.flag('json')));
  },
};

const list: Command = {
  name: 'members',
  usage: 'PROJECT [--json]',
  summary: 'List the owner of a project and the people with whom it is shared.',
  options: json,
  positionals: { min: 1, max: 1 },
  async run({ client, print }, args) {
    const { id } = await findProject(client(), args.positionals[0] ?? '');
    print(printed(await client().members.list(id), args.flag('json')));
  },
};

const leave: Command = {
  name: 'leave',
  usage: 'PROJECT',
  summary: 'Leave a project that somebody shares with you.',
  positionals: { min: 1, max: 1 },
  async run({ client, print }, args) {
    const { id } = await findProject(client(), args.positionals[0] ?? '');
    await client().members.leave(id);
    print('You have left the project.\n');
  },
};

export const sharingCommands: Command[] = [share, unshare, list, leave];
