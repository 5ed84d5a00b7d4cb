/** The terminal of the person while a remote shell uses it. Whatever happens, the person gets it back as it was. */

import process from 'node:process';

import type { TerminalSize } from './remote-shell.ts';
import type { Terminal } from './terminal.ts';

/** The signals that end a program, and their numbers. */
const endingSignals = { SIGHUP: 1, SIGTERM: 15 } as const;

/**
 * What a program leaves behind when it cannot clean up: the alternate screen, bracketed paste, reports of the mouse, a hidden cursor,
 * colours.
 */
const normalModes =
  '\u001b[?1047l\u001b[?2004l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?25h\u001b[0m\r\n';

export interface Ending {
  signal: AbortSignal;
  /** As shells report it: 128 and the number of the signal. `null`: nothing has ended the program. */
  exitCode(): number | null;
  end(exitCode: number): void;
  release(): void;
}

/** Watches for what ends this program from outside, so that it can clean up. */
export function watchForEnding(): Ending {
  const ending = new AbortController();
  let exitCode: number | null = null;
  const end = (code: number): void => {
    exitCode ??= code;
    ending.abort();
  };
  const handlers = Object.entries(endingSignals).map(([name, number]) => ({ name, handle: () => end(128 + number) }));
  for (const { name, handle } of handlers) process.on(name, handle);
  return {
    signal: ending.signal,
    exitCode: () => exitCode,
    end,
    release() {
      for (const { name, handle } of handlers) process.off(name, handle);
    },
  };
}

/** The size of the terminal; `null` when there is none, or it does not know. */
export function sizeOf({ output }: Terminal): TerminalSize | null {
  const { isTTY, rows, columns } = output;
  return isTTY === true && rows && columns ? { rows, cols: columns } : null;
}

/** @returns stops it */
export function followSize(terminal: Terminal, onSize: (size: TerminalSize) => void): () => void {
  const handle = (): void => {
    const size = sizeOf(terminal);
    if (size !== null) onSize(size);
  };
  terminal.output.on('resize', handle);
  return () => terminal.output.off('resize', handle);
}

/**
 * Passes each key on as it is pressed, Ctrl-C too.
 * @returns gives the terminal back. `isBroken`: what ran in the terminal could not clean up.
 */
export function useKeys(
  { input, output }: Terminal,
  { onKeys, onGone }: { onKeys: (text: string) => void; onGone: () => void },
): (options: { isBroken: boolean }) => void {
  const cook = () => void input.setRawMode?.(false);
  input.setEncoding('utf8');
  input.on('data', onKeys).on('end', onGone).on('error', onGone);
  process.once('exit', cook);
  input.setRawMode?.(true);
  return ({ isBroken }) => {
    cook();
    process.off('exit', cook);
    input.off('data', onKeys).off('end', onGone).pause();
    if (isBroken && output.writable) output.write(normalModes);
  };
}
