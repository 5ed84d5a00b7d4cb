/** Finds the project that a person names: by id, or by name without regard to case. */

import type { Client, Project } from '../shared/sdk/client.ts';
import { CliError } from './cli-error.ts';
import { printable } from './terminal.ts';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const pageSize = 100;

/**
 * The project of the person counts before those that others share, so nobody can take its place by sharing one with the same name.
 * @throws CliError when no live project has this name, or several that others share; AppError NOT_FOUND for an unknown id
 */
export async function findProject(client: Client, named: string): Promise<Project> {
  if (uuid.test(named)) return client.projects.get(named);
  const found: Project[] = [];
  for await (const project of namedProjects(client, named, false)) found.push(project);
  // Names are unique among the live projects of a person.
  const project = found.find(({ role }) => role === 'owner') ?? found[0];
  if (project && (project.role === 'owner' || found.length === 1)) return project;
  if (project) {
    const ids = found.map(({ id, sharedBy }) => `${id} (shared by ${printable(sharedBy ?? '')})`).join(', ');
    throw new CliError(`Several projects with the name “${named}” are shared with you. Give one of these ids: ${ids}.`);
  }
  throw new CliError(`You have no project with the name “${named}”. "opm list" shows all of them.`);
}

/**
 * As {@link findProject}, in the trash.
 * @throws CliError also when several have this name
 */
export async function findTrashedProject(client: Client, named: string): Promise<Project> {
  if (uuid.test(named)) return client.projects.get(named);
  const found: Project[] = [];
  for await (const project of namedProjects(client, named, true)) found.push(project);
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(', ');
    throw new CliError(`Several projects with the name “${named}” are in the trash. Give one of these ids: ${ids}.`);
  }
  if (found[0]) return found[0];
  throw new CliError(`No project with the name “${named}” is in the trash. "opm list --trash" shows what is there.`);
}

async function* namedProjects(client: Client, named: string, inTrash: boolean) {
  for await (const project of allProjects(client, { search: named, inTrash })) {
    if (project.name.toLowerCase() === named.toLowerCase()) yield project;
  }
}

export async function* allProjects(
  client: Client,
  filter: { search?: string; inTrash?: boolean } = {},
): AsyncGenerator<Project, void, undefined> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Client['projects']['list']>> = await client.projects.list({
      ...filter,
      limit: pageSize,
      cursor,
    });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}
