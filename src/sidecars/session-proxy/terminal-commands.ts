/**
 * How many programs run in the terminals of OpenCode. OpenCode knows the shells alone, and their processes are in another container, so
 * a script beside them looks. It starts no program of its own, and writes one line into a file.
 */

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { readJson, type OpenCodeAccess } from './read-json.ts';

const title = 'Project manager';
const lookAgainMs = 25;
const timeLimitMs = 2_500;
const maxResultBytes = 64;

/**
 * Each terminal is a session of processes, whose leader is its shell. Counts the other processes of these sessions, without those that
 * have ended. Says nothing unless it has found every shell. The arguments: the file, and the process ids of the shells.
 */
const script = `
result=$1
shift
found=0 commands=0
for file in /proc/[0-9]*/stat; do
  line=
  { IFS= read -r line < "$file"; } 2> /dev/null
  pid=\${line%% *}
  rest=\${line##*) }
  state=\${rest%% *}
  rest=\${rest#* * * }
  session=\${rest%% *}
  case " $* " in *" $session "*) ;; *) continue ;; esac
  if [ "$pid" = "$session" ]; then found=$((found + 1)); elif [ "$state" != Z ]; then commands=$((commands + 1)); fi
done
[ "$found" = $# ] && echo "commands $commands" > "$result"
`;

/**
 * @param query names the folder of OpenCode, unless it is the main one
 * @returns `null` when it cannot be found out
 * @throws Error when OpenCode does not answer
 */
export async function countCommands(
  openCode: OpenCodeAccess & { folder: string },
  query: string,
): Promise<number | null> {
  const listed = await readJson(openCode, { path: `/pty${query}` });
  if (!Array.isArray(listed)) throw new Error('OpenCode answers something else.');
  const shells = (listed as unknown[])
    .map((each) => (typeof each === 'object' && each !== null ? (each as Record<string, unknown>) : {}))
    .filter((each) => each['status'] === 'running' && each['title'] !== title);
  if (shells.length === 0) return 0;
  const pids = shells.map((each) => String(each['pid']));
  if (!pids.every((pid) => /^\d{1,10}$/.test(pid))) return null;
  await mkdir(openCode.folder, { recursive: true });
  const file = join(openCode.folder, `terminals-${randomUUID()}`);
  // Not the shell itself, because OpenCode adds arguments of its own to shells.
  const args = ['/bin/sh', '-c', script, 'sh', file, ...pids];
  const created = await readJson(openCode, {
    method: 'POST',
    path: `/pty${query}`,
    body: { command: '/usr/bin/env', args, title },
  });
  const { id } = created as { id?: unknown };
  try {
    return await readResult(file);
  } finally {
    // It has ended, unless it hangs.
    await readJson(openCode, { method: 'DELETE', path: `/pty/${encodeURIComponent(String(id))}${query}` }).catch(
      () => undefined,
    );
    await rm(file, { recursive: true, force: true });
  }
}

/** The agent can write the file too, so only a short line is read. */
async function readResult(file: string): Promise<number | null> {
  const endsAtMs = performance.now() + timeLimitMs;
  for (;;) {
    const commands = /^commands (\d{1,7})\n$/.exec(await readStart(file).catch(() => ''))?.[1];
    if (commands !== undefined) return Number(commands);
    if (performance.now() >= endsAtMs) return null;
    await delay(lookAgainMs);
  }
}

async function readStart(path: string): Promise<string> {
  // Neither a link nor a pipe, which would keep the reader waiting.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxResultBytes), 0, maxResultBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
