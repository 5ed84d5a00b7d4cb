/** Finds out how pods can run on this machine. */

import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import type { EmbeddedLog } from '../../../../embedded-log.ts';
import { findOnPath } from '../../../../process/find-on-path.ts';
import type { ImageFamily } from './container-image.ts';
import { findBubblewrap } from './find-bubblewrap.ts';
import { findOpenCode } from './find-opencode.ts';
import type { Launcher } from './launcher.ts';
import { createPlainLauncher } from './plain-launcher.ts';
import { createSandboxLauncher, groupText, passwdText } from './sandbox-launcher.ts';

export type RuntimeKind = 'sandbox' | 'process' | 'simulated';

/** How pods run. For a simulated one, why. */
export type DetectedRuntime =
  | { kind: 'sandbox' | 'process'; launcher: Launcher }
  | { kind: 'simulated'; reason: string };

/** The root of this program: the folder with `src` and `node_modules`. */
const root = resolve(import.meta.dirname, '../../../../../..');
const ports = [3000, 3001, 3002];
/** Addresses of this block belong to pods. This one belongs to none of them. */
const testAddress = '127.64.0.0';

const simulated = (reason: string): DetectedRuntime => ({ kind: 'simulated', reason });

/** `requested` is what the environment asks for; undefined means the best that works without giving up the sandbox. */
export async function detectRuntime(options: {
  requested: RuntimeKind | undefined;
  dataDir: string;
  searchPath: string;
  log: EmbeddedLog;
}): Promise<DetectedRuntime> {
  const { requested, dataDir, searchPath } = options;
  if (requested === 'simulated') return simulated('EMBEDDED_RUNTIME asks for it');
  if (process.platform !== 'linux') return simulated('only Linux has a loopback address for each pod');
  const opencode = findOpenCode(searchPath);
  if (opencode === null) return simulated('there is no OpenCode on this machine; npm ci installs it');
  const port = await findTakenPort();
  if (port !== undefined) return simulated(`another program listens on port ${port} of all addresses`);
  const programs = { opencode, node: process.execPath, root };
  if (requested === 'process') {
    return findOnPath('setsid', searchPath) === null
      ? simulated('there is no setsid on the path')
      : { kind: 'process', launcher: createPlainLauncher(programs) };
  }
  try {
    const bubblewrap = await findBubblewrap(options);
    const folder = join(dataDir, 'runtime');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const [passwdFile, groupFile] = [join(folder, 'passwd'), join(folder, 'group')];
    writeFileSync(passwdFile, passwdText);
    writeFileSync(groupFile, groupText);
    const hidden = [homedir(), dataDir];
    const launcher = createSandboxLauncher({ bubblewrap, programs, passwdFile, groupFile, hidden });
    await trySandbox(launcher);
    return { kind: 'sandbox', launcher };
  } catch (error) {
    return simulated(`no sandbox can be made: ${firstLine(error)}`);
  }
}

/** @throws Error with the output of bubblewrap when it cannot make a sandbox, or when its programs are not in it */
async function trySandbox(launcher: Launcher): Promise<void> {
  const { opencode, node } = launcher.programs;
  const test = async (family: ImageFamily, program: string): Promise<void> => {
    const env = { HOME: '/tmp', PATH: '/usr/bin:/bin' };
    const container = { id: 'test', family, command: [], env, workingDir: '/tmp', hostname: 'test', mounts: [] };
    const { file, args, ...options } = launcher.exec(container, ['/bin/sh', '-c', `test -x ${program}`]);
    await promisify(execFile)(file, args, { ...options, timeout: 20_000 });
  };
  await Promise.all([test('opencode', opencode), test('sidecars', node)]);
}

/** A port of the pods that is taken on every address of this machine. */
async function findTakenPort(): Promise<number | undefined> {
  for (const port of ports) if (await isTaken(port)) return port;
  return undefined;
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'EADDRINUSE'));
    server.listen(port, testAddress, () => server.close(() => done(false)));
  });
}

function firstLine(error: unknown): string {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  const text = output || (error instanceof Error ? error.message : String(error));
  return (text.split('\n')[0] ?? '').replace(/\.$/, '');
}
