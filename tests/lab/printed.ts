/** The commands of a page, run as they are printed. */

import { execFile } from 'node:child_process';

/** A block of shell lines, or a command within a sentence. */
export interface Printed {
  /** The heading under which it stands. */
  heading: string;
  text: string;
}

/** Everything in a Markdown page that a reader would put into a shell, in order. */
export function readCommands(page: string): Printed[] {
  const found: Printed[] = [];
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

export interface ShellOptions {
  /** What stands in the place of a placeholder or of an example's value; each must be in the text. */
  fill?: Record<string, string>;
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** Runs it in one shell, which ends at the first line that fails. */
export async function runPrinted({ text }: Printed, { fill = {}, cwd, env }: ShellOptions) {
  const filled = Object.entries(fill).reduce((lines, [placeholder, value]) => {
    if (!lines.includes(placeholder)) throw new Error(`There is no "${placeholder}" in "${lines}".`);
    return lines.replaceAll(placeholder, () => value);
  }, text);
  const [left] = /<\w+>|…/.exec(filled) ?? [];
  if (left !== undefined) throw new Error(`Nothing stands in the place of "${left}" in "${filled}".`);
  return await new Promise<{ failed: boolean; stdout: string; stderr: string }>((resolve) => {
    execFile('bash', ['-euo', 'pipefail', '-c', filled], { cwd, env }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, stdout, stderr }),
    );
  });
}
