/** A program in a terminal of its own, which `script` of util-linux provides. */

import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

import { vi } from 'vitest';

export interface PseudoTerminal {
  /** Everything that it has shown. */
  screen(): string;
  /** Types text, without a line break at its end. */
  type(text: string): void;
  /** Types a line. */
  enter(line: string): void;
  resize(size: { rows: number; cols: number }): Promise<void>;
  /** Resolves when the screen matches; the text before `since` does not count. */
  shows(pattern: RegExp, options?: { since?: number; timeout?: number }): Promise<RegExpMatchArray>;
  /** Sends a signal to the program itself. */
  signal(name: NodeJS.Signals): void;
  /**
   * Resolves after the program has ended. `isRestored`: the settings of the terminal are as they were before it.
   */
  ended: Promise<{ code: number; isRestored: boolean }>;
  kill(): void;
}

/** @param program a line for the shell */
export function openPseudoTerminal(
  program: string,
  options: { env: NodeJS.ProcessEnv; rows: number; cols: number },
): PseudoTerminal {
  const { env, rows, cols } = options;
  const line = [
    `stty rows ${rows} cols ${cols}`,
    'before=$(stty -g)',
    'echo "[terminal $(tty)]"',
    // The shell of its own tells the process id, and becomes the program.
    `/bin/sh -c 'echo "[program $$]"; exec ${program}'`,
    'code=$?',
    'after=$(stty -g)',
    '[ "$before" = "$after" ] && restored=yes || restored=no',
    'echo "[ended $code $restored]"',
  ].join('; ');
  const child = spawn('script', ['-qec', line, '/dev/null'], { env: { ...env, SHELL: '/bin/sh' } });
  let screen = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (screen += chunk.toString()));
  const closed = new Promise((resolve) => child.on('close', resolve));
  const find = (pattern: RegExp): RegExpExecArray => {
    const found = pattern.exec(screen);
    if (!found) throw new Error(`The terminal does not show ${pattern}:\n${screen}`);
    return found;
  };
  return {
    screen: () => screen,
    type: (text) => void child.stdin.write(text),
    enter: (text) => void child.stdin.write(`${text}\r`),
    async resize(size) {
      const device = find(/\[terminal (\S+)\]/)[1] ?? '';
      await promisify(execFile)('stty', ['-F', device, 'rows', String(size.rows), 'cols', String(size.cols)]);
    },
    shows: (pattern, { since = 0, timeout = 20_000 } = {}) =>
      vi.waitFor(
        () => {
          const found = pattern.exec(screen.slice(since));
          if (!found) throw new Error(`The terminal does not show ${pattern}:\n${screen}`);
          return found;
        },
        { timeout, interval: 20 },
      ),
    signal: (name) => void process.kill(Number(find(/\[program (\d+)\]/)[1]), name),
    ended: closed.then(() => {
      const [, code, restored] = find(/\[ended (\d+) (\w+)\]/);
      return { code: Number(code), isRestored: restored === 'yes' };
    }),
    kill: () => void child.kill('SIGKILL'),
  };
}
