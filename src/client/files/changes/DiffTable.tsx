/** The lines of a diff. Only those in view are in the document. Signs and words say what the colours say. */

import { VisuallyHidden } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';

import { revealHidden } from '../reveal-hidden.ts';
import { lineToOpen, type DiffLine } from './unified-diff.ts';

import classes from './changes.module.css';

const rowHeightPx = 21;

interface DiffTableProps {
  lines: readonly DiffLine[];
  /** Opens the present file at a line; `null`: it cannot be opened. */
  onOpen: ((line: number) => void) | null;
}

export function DiffTable({ lines, onOpen }: DiffTableProps) {
  const viewport = useRef<HTMLDivElement>(null);
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => rowHeightPx,
    overscan: 30,
  });
  const items = virtualizer.getVirtualItems();
  const widest = useMemo(() => lines.reduce((width, { text }) => Math.max(width, text.length), 0), [lines]);
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- otherwise the keyboard could not scroll it
    <section ref={viewport} className={classes.lines} tabIndex={0} aria-label="Lines">
      <table
        aria-rowcount={lines.length}
        style={{ height: virtualizer.getTotalSize(), width: `max(100%, ${widest + 20}ch)` }}
      >
        <thead className={classes.srOnly}>
          <tr>
            <th scope="col">Line before</th>
            <th scope="col">Line after</th>
            <th scope="col">Change</th>
            <th scope="col">Text</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ index, start }) => {
            const line = lines[index];
            return line === undefined ? null : (
              <DiffRow
                key={index}
                line={line}
                index={index}
                topPx={start}
                onOpen={onOpen === null ? null : () => onOpen(lineToOpen(lines, index))}
              />
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

const signs = { added: '+', removed: '−', same: '', hunk: '', remark: '' } satisfies Record<DiffLine['kind'], string>;
const words = { added: 'added', removed: 'removed', same: '', hunk: '', remark: '' } satisfies Record<
  DiffLine['kind'],
  string
>;

interface DiffRowProps {
  line: DiffLine;
  index: number;
  topPx: number;
  onOpen: (() => void) | null;
}

function DiffRow({ line, index, topPx, onOpen }: DiffRowProps) {
  const { kind } = line;
  return (
    <tr
      className={classes.row}
      data-kind={kind}
      aria-rowindex={index + 1}
      style={{ transform: `translateY(${topPx}px)` }}
    >
      <td className={classes.number}>{'before' in line ? line.before : ''}</td>
      <td className={classes.number}>
        {'after' in line && onOpen !== null ? (
          <button type="button" tabIndex={-1} aria-label={`Open line ${line.after}`} onClick={onOpen}>
            {line.after}
          </button>
        ) : (
          'after' in line && line.after
        )}
      </td>
      <td className={classes.sign}>
        <span aria-hidden="true">{signs[kind]}</span>
        <VisuallyHidden>{words[kind]}</VisuallyHidden>
      </td>
      <td className={classes.text}>{revealHidden(line.text)}</td>
    </tr>
  );
}
