/**
 * Runs a shell script in OpenCode's container, and returns its exit code and what it printed. OpenCode starts it in a terminal of its
 * own, which no page shows. The result comes in a file, because a terminal neither separates output from errors nor tells the exit
 * code, and because a file outlives a lost connection.
 */

import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';

import { z } from 'zod';

import { cleanText } from '../clean-texts.ts';
import { pause } from '../node/periodic.ts';
import { resultScript } from './branch-script.ts';
import type { OpenCodeClient } from './opencode-client.ts';
import { OpenCodeError } from './opencode-error.ts';

/** Between two looks at the result. */
const lookMs = { first: 40, longest: 500 };
const maxErrorLength = 1_000;

export interface ScriptResult {
  exitCode: number;
  /** The values of lines of a word and a value. */
  values: Map<string, string>;
  sections: Map<string, Buffer>;
  /** What it wrote to standard error, cleaned, as one text. */
  errors: string;
}

export interface ScriptOptions {
  script: string;
  args: string[];
  /** A folder in the container that the script may create. It gets the file with the result. */
  folder: string;
  /** A folder around it that OpenCode works in anyway; unless given, the folder itself. For each other folder OpenCode takes memory. */
  workingFolder?: string;
  /** The script is ended after this time. */
  limitMs: number;
  /** The result is waited for so long. */
  waitMs: number;
  signal: AbortSignal;
}

/** @throws OpenCodeError `unreachable` when there is no result in time; `refused` when the script could not store one */
export async function runScript(
  client: Pick<OpenCodeClient, 'startCommand' | 'isCommandRunning' | 'readFile'>,
  { script, args, folder, workingFolder = folder, limitMs, waitMs, signal }: ScriptOptions,
): Promise<ScriptResult> {
  const name = randomUUID();
  const seconds = String(Math.ceil(limitMs / 1_000));
  // Not the shell itself, because OpenCode adds arguments of its own to shells.
  const command = ['/bin/sh', '-c', resultScript, 'sh', folder, name, seconds, script, ...args];
  const commandId = await client.startCommand({ command: '/usr/bin/env', args: command });
  const endsAtMs = performance.now() + waitMs;
  let lookAgainMs = lookMs.first;
  for (;;) {
    if (!(await client.isCommandRunning(commandId))) {
      const path = posix.join(posix.relative(workingFolder, folder), name);
      const result = parseResult((await client.readFile({ folder: workingFolder, path })) ?? '');
      if (result) return result;
      throw new OpenCodeError('refused', 'A script has ended without a result. The volume may be full.');
    }
    if (performance.now() >= endsAtMs) throw new OpenCodeError('unreachable', 'A script takes longer than expected.');
    await pause(lookAgainMs, signal);
    signal.throwIfAborted();
    lookAgainMs = Math.min(lookAgainMs * 1.5, lookMs.longest);
  }
}

/** @returns `null` when the text is not the whole result */
export function parseResult(text: string): ScriptResult | null {
  const lines = text.split('\n');
  const exit = z.coerce
    .number()
    .int()
    .safeParse(/^exit (\d+)$/.exec(lines[0] ?? '')?.[1]);
  if (!exit.success || lines.at(-1) !== 'end') return null;
  const values = new Map<string, string>();
  const sections = new Map<string, Buffer>();
  for (let index = 1; index < lines.length - 1; index += 1) {
    const [word, value] = splitOnce(lines[index] ?? '');
    if (word !== 'section') {
      if (word !== '') values.set(word, cleanText(value, maxErrorLength));
      continue;
    }
    const end = lines.indexOf('', index + 1);
    const last = end < 0 ? lines.length - 1 : end;
    sections.set(value, Buffer.from(lines.slice(index + 1, last).join(''), 'base64'));
    index = last;
  }
  const errors = cleanText(sections.get('errors')?.toString('utf8') ?? '', maxErrorLength).trim();
  return { exitCode: exit.data, values, sections, errors };
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf(' ');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

/** The folder beside the project in which the worktrees of its tasks are. */
export const worktreesBeside = (projectFolder: string): string =>
  posix.join(posix.dirname(projectFolder), '.worktrees');
