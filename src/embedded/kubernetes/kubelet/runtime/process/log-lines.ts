/** The lines of a container's log file: `<time> <stream> <text>`, as in the format of the CRI. */

import type { LogLine } from '../../../api/pod-subresources.ts';

/** The time has six digits below the second, so that each line of a run has a time of its own. `atMs` may have a fraction. */
export function formatLogLine({ atMs, text }: LogLine, stream: 'stdout' | 'stderr'): string {
  const micros = Math.round(atMs * 1000);
  const time = new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1);
  return `${time}${String(micros % 1000).padStart(3, '0')}Z ${stream} ${text}\n`;
}

export function parseLogLine(line: string): LogLine | undefined {
  const match = /^(\S+\.\d{3})(\d{3})Z (?:stdout|stderr) (.*)$/s.exec(line);
  const time = Date.parse(`${match?.[1]}Z`);
  if (match === null || Number.isNaN(time)) return undefined;
  return { atMs: (time * 1000 + Number(match[2])) / 1000, text: match[3] ?? '' };
}

/** Joins chunks of output to lines. The rest without a line feed is returned by `end`. Very long lines are split. */
export function createLineSplitter(maxLength = 16_384) {
  const decoder = new TextDecoder();
  let rest = '';
  return {
    add(chunk: Uint8Array): string[] {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > maxLength) {
        lines.push(rest);
        rest = '';
      }
      return lines.map((line) => line.replace(/\r$/, ''));
    },
    end(): string[] {
      const last = rest + decoder.decode();
      rest = '';
      return last === '' ? [] : [last];
    },
  };
}
