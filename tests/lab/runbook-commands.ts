/** Reads the shell commands of a Markdown page and runs them as they are printed. */

import { execFile } from 'node:child_process';

/** A block of shell lines, or a command within a sentence. */
export interface PrintedCommand {
  /** The heading of its section. */
  heading: string;
  text: string;
}

/** Every `sh` block and every inline `kubectl` command of a Markdown page; per section, blocks first. */
export function readCommands(page: string): PrintedCommand[] {
  const found: PrintedCommand[] = [];
  for (const section of page.split(/^#+ /m).slice(1)) {
    const heading = section.split('\n', 1)[0] ?? '';
    const add = (text: string) => found.push({ heading, text });
    const prose = section.replaceAll(/^( *)```sh\n([\s\S]*?)\n\1```$/gm, (_, indent: string, text: string) => {
      add(text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
      return '';
    });
    for (const [, text = ''] of prose.matchAll(/`(kubectl [^`]+)`/g)) add(text.replaceAll(/\s+/g, ' '));
  }
  return found;
}

export interface RunOptions {
  /** Values that replace placeholders or example values. Each key must occur in the text. */
  fill?: Record<string, string>;
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** Runs a command in one shell, which ends at the first line that fails. */
export async function runCommand({ text }: PrintedCommand, { fill = {}, cwd, env }: RunOptions) {
  const filled = Object.entries(fill).reduce((lines, [placeholder, value]) => {
    if (!lines.includes(placeholder)) throw new Error(`There is no "${placeholder}" in "${lines}".`);
    return lines.replaceAll(placeholder, () => value);
  }, text);
  const [unfilled] = /<\w+>|…/.exec(filled) ?? [];
  if (unfilled !== undefined) throw new Error(`No value replaces "${unfilled}" in "${filled}".`);
  return await new Promise<{ failed: boolean; stdout: string; stderr: string }>((resolve) => {
    execFile('bash', ['-euo', 'pipefail', '-c', filled], { cwd, env }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, stdout, stderr }),
    );
  });
}
