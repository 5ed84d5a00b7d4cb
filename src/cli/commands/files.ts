/** `opm cp`: copies files and folders between this computer and a project. */

import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { readAppError, type Client } from '../../shared/sdk/client.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Context } from '../command.ts';
import { findProject } from '../projects.ts';

const copy: Command = {
  name: 'cp',
  usage: 'FROM TO [--replace]',
  summary:
    'Copy a file between this computer and a project, for example "opm cp Shop:src/main.ts .". A folder arrives as .tar.gz.',
  options: { replace: { type: 'boolean' } },
  positionals: { min: 2, max: 2 },
  async run(context, args) {
    const [from, to] = args.positionals.map(readPlace);
    if (from && to && from.project !== null && to.project === null) {
      return download(context, from, to.path, args.flag('replace'));
    }
    if (from && to && from.project === null && to.project !== null) {
      return upload(context, from.path, to, args.flag('replace'));
    }
    throw new CliError('Name one file on this computer and one in a project, such as Shop:src/main.ts.', 2);
  },
};

interface RemotePlace {
  project: string;
  path: string;
}

/** A text with a colon names a file of a project, unless it begins with a slash or a dot. */
export function readPlace(text: string): RemotePlace | { project: null; path: string } {
  const colon = text.indexOf(':');
  if (colon <= 0 || /^[./]/.test(text)) return { project: null, path: text };
  return { project: text.slice(0, colon), path: text.slice(colon + 1).replace(/^\/+|\/+$/g, '') };
}

async function download(
  { client, signal, print }: Context,
  from: RemotePlace,
  to: string,
  replace: boolean,
): Promise<void> {
  const { id } = await findProject(client(), from.project);
  const isFolder = from.path === '' || (await client().files.stat({ id, path: from.path })).kind === 'directory';
  const name = `${basename(from.path) || from.project}${isFolder ? '.tar.gz' : ''}`;
  const target = (await isDirectory(to)) ? join(to, name) : to;
  if (!replace && (await exists(target))) throw new CliError(`${target} exists already. Add --replace to replace it.`);
  const file = { id, path: from.path };
  const body = isFolder
    ? await client().files.downloadFolder(file, { signal })
    : await client().files.download(file, { signal });
  await mkdir(dirname(target), { recursive: true });
  // A download that ends early must not look like the file.
  const partial = `${target}.part`;
  try {
    await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(partial), {
      signal,
    });
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  print(`${target}\n`);
}

async function upload(
  { client, signal, print }: Context,
  from: string,
  to: RemotePlace,
  replace: boolean,
): Promise<void> {
  const content = await readLocal(from);
  const { id } = await findProject(client(), to.project);
  const path = (await isRemoteFolder(client(), id, to.path)) ? posix.join(to.path, basename(from)) : to.path;
  await client()
    .files.upload({ id, path, content, replace }, { signal })
    .catch((error: unknown) => {
      if (readAppError(error)?.code !== 'CONFLICT') throw error;
      throw new CliError(`${to.project}:${path} exists already. Add --replace to replace it.`);
    });
  print(`${to.project}:${path}\n`);
}

async function readLocal(path: string): Promise<Blob> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new CliError(`There is no file ${path} on this computer.`);
  if (!found.isFile()) throw new CliError(`${path} is not a file. Pack a folder first, for example with tar.`);
  return openAsBlob(path);
}

async function isRemoteFolder(client: Client, id: string, path: string): Promise<boolean> {
  if (path === '') return true;
  const entry = await client.files.stat({ id, path }).catch(() => null);
  return entry?.kind === 'directory';
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

export const fileCommands: Command[] = [copy];
