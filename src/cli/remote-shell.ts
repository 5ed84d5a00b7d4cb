/**
 * A terminal of OpenCode in the pod of a project. OpenCode sends what it shows over a WebSocket, and its exit code as an event. The
 * events come at least every ten seconds, so their silence shows a connection that is lost without a word from the network.
 */

import type { Writable } from 'node:stream';

import { WebSocket } from 'ws';
import { z } from 'zod';

import { readEvents } from '../shared/opencode/limited-body.ts';
import { parseJson } from '../shared/parse-json.ts';
import { CliError } from './cli-error.ts';
import type { ProjectOrigin } from './project-origin.ts';

const defaultSilenceLimitMs = 30_000;
/** OpenCode sends the exit code right after it has closed the WebSocket. */
const exitCodeLimitMs = 3_000;
const callLimitMs = 60_000;
const closeLimitMs = 5_000;
const maxEventLength = 1024 * 1024;

export interface TerminalSize {
  rows: number;
  cols: number;
}

/** How it has ended. `exitCode` is `null` when OpenCode has not sent one. */
export type ShellEnd = { kind: 'exited'; exitCode: number | null } | { kind: 'lost' };

export interface RemoteShell {
  /** What is typed. */
  write: (text: string) => void;
  resize: (size: TerminalSize) => void;
  ended: Promise<ShellEnd>;
  /** Ends the shell and what runs in it, unless it has ended. */
  close(): Promise<void>;
}

export interface ShellOptions {
  /** The program and its arguments; `null`: the shell of the person who works in the project. */
  command: string[] | null;
  size: TerminalSize | null;
  /** Gets what the terminal shows. */
  output: Writable;
  signal: AbortSignal;
  /** After so long without any event the connection is lost; 30 s unless given. */
  silenceLimitMs?: number;
}

/**
 * Its first line says that it may be answered: until then the command has not begun, so nothing of its output is lost, and nothing of
 * ours is shown. The shell stays beside the command, because only what runs beside the first process of a terminal keeps an idle
 * project awake. Ctrl-C ends the command alone.
 */
const commandScript = `trap : INT; stty -echo -opost 2> /dev/null; echo ready; IFS= read -r line; "$@" < /dev/null; exit $?`;
const readyLine = /^ready\r?\n/;

const startedSchema = z.object({ id: z.string().regex(/^\w{1,100}$/) });
const exitedSchema = z.object({
  payload: z.object({ type: z.literal('pty.exited'), properties: z.object({ id: z.string(), exitCode: z.number() }) }),
});

/** @throws CliError */
export async function openShell(project: ProjectOrigin, options: ShellOptions): Promise<RemoteShell> {
  const { size, signal } = options;
  const events = await followExits(project, options);
  let id: string | null = null;
  async function close(): Promise<void> {
    events.stop();
    if (id === null) return;
    // It has ended already, or the connection is lost.
    const call = { method: 'DELETE', signal: AbortSignal.timeout(closeLimitMs) } as const;
    await project.send(`/pty/${id}`, call).catch(() => undefined);
  }
  try {
    id = await startTerminal(project, options);
    const path = `/pty/${id}`;
    const resize = createResizer((next) =>
      project.send(path, { method: 'PUT', body: { size: next }, signal: limited(signal) }).catch(() => undefined),
    );
    if (size !== null) await resize(size);
    const socket = project.connect(`${path}/connect?cursor=0`);
    return {
      write(text) {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      resize: (next) => void resize(next),
      ended: waitForEnd({ closed: follow(socket, options), exitCode: events.exitCodeOf(id), lost: events.lost }),
      async close() {
        await close();
        socket.terminate();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const limited = (signal: AbortSignal) => AbortSignal.any([signal, AbortSignal.timeout(callLimitMs)]);

/** @returns its id */
async function startTerminal(project: ProjectOrigin, { command, signal }: ShellOptions): Promise<string> {
  const program =
    command === null ? {} : { command: '/usr/bin/env', args: ['/bin/sh', '-c', commandScript, 'sh', ...command] };
  const body = { ...program, title: 'opm shell' };
  const answer = await project.send('/pty', { method: 'POST', body, signal: limited(signal) });
  const started = startedSchema.safeParse(parseJson(answer));
  if (!started.success) throw new CliError('OpenCode did not open a terminal. Restart the project, and try again.');
  return started.data.id;
}

/** Passes on what comes after the first line, which it answers. */
export function afterReadyLine(pass: (text: string) => void, answer: () => void): (text: string) => void {
  let before: string | null = '';
  return (text) => {
    if (before === null) return pass(text);
    before += text;
    const line = readyLine.exec(before)?.[0];
    if (line === undefined) return;
    const rest = before.slice(line.length);
    before = null;
    answer();
    if (rest !== '') pass(rest);
  };
}

/** Sends one size after the other; sizes that are outdated meanwhile are left out. */
export function createResizer(send: (size: TerminalSize) => Promise<unknown>): (size: TerminalSize) => Promise<void> {
  let next: TerminalSize | null = null;
  let sending: Promise<void> | null = null;
  async function sendAll(): Promise<void> {
    while (next !== null) {
      const size = next;
      next = null;
      await send(size);
    }
    sending = null;
  }
  return (size) => {
    next = size;
    return (sending ??= sendAll());
  };
}

/**
 * Writes what arrives. It waits for a slow reader of the output, and the gateway waits for it.
 * @returns resolves when the socket has closed, to whether OpenCode has closed it
 */
function follow(socket: WebSocket, { output, command }: ShellOptions): Promise<{ isClean: boolean }> {
  const decoder = new TextDecoder();
  const write = (text: string): void => {
    if (output.destroyed || output.write(text)) return;
    socket.pause();
    output.once('drain', () => socket.resume());
  };
  const show = command === null ? write : afterReadyLine(write, () => socket.send('\n'));
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    // A binary frame that begins with a zero is for programs.
    if (!isBinary) show(data.toString('utf8'));
    else if (data[0] !== 0) show(decoder.decode(data, { stream: true }));
  });
  return new Promise((resolve) => {
    socket.on('error', () => resolve({ isClean: false }));
    socket.on('close', (code) => resolve({ isClean: code === 1000 }));
  });
}

async function waitForEnd(shell: {
  closed: Promise<{ isClean: boolean }>;
  exitCode: Promise<number>;
  lost: Promise<void>;
}): Promise<ShellEnd> {
  const { closed, exitCode, lost } = shell;
  const first = await Promise.race([closed, lost.then(() => null)]);
  if (first === null || !first.isClean) return { kind: 'lost' };
  return { kind: 'exited', exitCode: await Promise.race([exitCode, noneInTime(exitCodeLimitMs)]) };
}

/** Follows the events of OpenCode. They begin before the terminal, so its end cannot be missed. */
async function followExits(project: ProjectOrigin, { signal, silenceLimitMs = defaultSilenceLimitMs }: ShellOptions) {
  const stopping = new AbortController();
  const silence = setTimeout(() => stopping.abort(), silenceLimitMs);
  const body = await project.open('/global/event', { signal: AbortSignal.any([signal, stopping.signal]) });
  const throttle = async () => void silence.refresh();
  const exitCodes = new Map<string, number>();
  const waiting = new Map<string, (exitCode: number) => void>();

  async function read(): Promise<void> {
    for await (const text of readEvents(body, { maxLength: maxEventLength, throttle })) {
      const { data } = exitedSchema.safeParse(parseJson(text));
      if (!data) continue;
      const { id, exitCode } = data.payload.properties;
      exitCodes.set(id, exitCode);
      waiting.get(id)?.(exitCode);
    }
  }
  return {
    /** Resolves when no more events come. */
    lost: read().then(
      () => clearTimeout(silence),
      () => clearTimeout(silence),
    ),
    exitCodeOf: (id: string) =>
      new Promise<number>((resolve) => {
        waiting.set(id, resolve);
        const known = exitCodes.get(id);
        if (known !== undefined) resolve(known);
      }),
    stop() {
      clearTimeout(silence);
      stopping.abort();
    },
  };
}

const noneInTime = (ms: number) =>
  new Promise<null>((resolve) => {
    setTimeout(() => resolve(null), ms).unref();
  });
