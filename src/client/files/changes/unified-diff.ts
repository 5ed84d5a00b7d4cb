/** Reads a patch of git in unified format as lines with numbers. Pure functions. */

export type DiffLine =
  /** The head of a hunk: "@@ -1,3 +1,4 @@ function name". */
  | { kind: 'hunk'; text: string }
  | { kind: 'same'; text: string; before: number; after: number }
  | { kind: 'removed'; text: string; before: number }
  | { kind: 'added'; text: string; after: number }
  /** A remark of git, such as that the file has no newline at its end. */
  | { kind: 'remark'; text: string };

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** The lines of all hunks. The head of the patch, with the names of the file, is left out. */
export function readPatch(patch: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let before = 0;
  let after = 0;
  let isInHunk = false;
  for (const line of patch.replace(/\n$/, '').split('\n')) {
    const head = hunkHead.exec(line);
    if (head !== null) {
      [before, after, isInHunk] = [Number(head[1]), Number(head[2]), true];
      lines.push({ kind: 'hunk', text: line });
      continue;
    }
    if (!isInHunk) continue;
    const text = line.slice(1);
    switch (line[0]) {
      case '+':
        lines.push({ kind: 'added', text, after });
        after += 1;
        break;
      case '-':
        lines.push({ kind: 'removed', text, before });
        before += 1;
        break;
      case '\\':
        lines.push({ kind: 'remark', text: text.trim() });
        break;
      case 'd': // "diff --git": the patch of the next file
        isInHunk = false;
        break;
      default:
        lines.push({ kind: 'same', text, before, after });
        before += 1;
        after += 1;
    }
  }
  return lines;
}

/** The line of the present file that is nearest to each line of the diff, to open the file there. */
export function lineToOpen(lines: readonly DiffLine[], index: number): number {
  for (const line of lines.slice(index)) if ('after' in line) return line.after;
  const last = lines.slice(0, index).findLast((line) => 'after' in line);
  return last !== undefined && 'after' in last ? last.after : 1;
}
