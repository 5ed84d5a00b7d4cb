/** The lines of a log, in a panel that stays at the newest line unless the user has scrolled up. */

import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconArrowDown, IconCheck, IconCopy } from '@tabler/icons-react';
import { memo, useLayoutEffect, useRef, useState } from 'react';

import { count, formatDateTime } from '../ui/format.ts';
import { textOf, type LogBuffer, type LogRow } from './log-buffer.ts';

import classes from './logs-tab.module.css';

/** A panel that is scrolled up by less than this still counts as scrolled to its end. */
const slackPx = 24;

interface LogPanelProps {
  container: string;
  buffer: LogBuffer;
  /** Why there are no lines, or no further ones. */
  note: string | null;
  /** Whether new lines appear by themselves. */
  isLive: boolean;
}

export function LogPanel({ container, buffer, note, isLive }: LogPanelProps) {
  const { rows, isTruncated, isLoaded } = buffer;
  const { viewport, isAtEnd, onScroll, jumpToEnd } = useStayAtEnd();
  const clipboard = useClipboard();
  return (
    <div className={classes.root}>
      <div className={classes.head}>
        <output className={classes.note}>{noteText({ note, isLive, isLoaded, isEmpty: rows.length === 0 })}</output>
        <Button
          className={classes.copy}
          variant="default"
          size="compact-sm"
          disabled={rows.length === 0}
          leftSection={clipboard.copied ? <IconCheck size={14} stroke={2} /> : <IconCopy size={14} stroke={1.6} />}
          onClick={() => clipboard.copy(textOf(rows))}
        >
          {clipboard.copied ? 'Copied' : 'Copy all'}
        </Button>
      </div>
      <div className={classes.frame}>
        {/* Screen readers announce the note above, but not the flood of lines. */}
        <div
          ref={viewport}
          className={classes.viewport}
          role="log"
          aria-live="off"
          aria-label={`Log of ${container}`}
          aria-busy={!isLoaded}
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- otherwise the keyboard could not scroll it
          tabIndex={0}
          onScroll={onScroll}
        >
          {isTruncated && <p className={classes.mark}>Earlier lines are not shown.</p>}
          {rows.map((row) => (
            <Row key={row.key} row={row} />
          ))}
        </div>
        {!isAtEnd && (
          <Button
            className={classes.jump}
            size="compact-sm"
            leftSection={<IconArrowDown size={14} stroke={1.8} />}
            onClick={jumpToEnd}
          >
            Jump to the newest line
          </Button>
        )}
      </div>
      <p className={classes.foot}>{count(rows.length, 'line')}</p>
    </div>
  );
}

function noteText(log: { note: string | null; isLive: boolean; isLoaded: boolean; isEmpty: boolean }): string {
  if (log.note !== null) return log.note;
  if (!log.isLoaded) return 'Loading the log…';
  if (log.isEmpty) return `The container has not written anything${log.isLive ? ' yet' : ''}.`;
  return log.isLive ? 'New lines appear as they are written.' : 'This is the run before the last restart.';
}

const Row = memo(function Row({ row: { at, text, followsGap = false } }: { row: LogRow }) {
  return (
    <>
      {followsGap && <p className={classes.mark}>Some lines are missing here: the container wrote too many at once.</p>}
      <div className={classes.row} title={formatDateTime(at)}>
        <time className={classes.time} dateTime={at}>
          {timeOfDay(at)}
        </time>
        <span className={classes.text}>{text}</span>
      </div>
    </>
  );
});

const timeFormat = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

const timeOfDay = (at: string): string => timeFormat.format(new Date(at));

/** Scrolls to the end after each render, unless the user has scrolled up. */
function useStayAtEnd() {
  const viewport = useRef<HTMLDivElement>(null);
  const [isAtEnd, setIsAtEnd] = useState(true);
  useLayoutEffect(() => {
    const element = viewport.current;
    if (element && isAtEnd) element.scrollTop = element.scrollHeight;
  });
  return {
    viewport,
    isAtEnd,
    onScroll: () => {
      const element = viewport.current;
      if (element) setIsAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < slackPx);
    },
    jumpToEnd: () => {
      setIsAtEnd(true);
      viewport.current?.focus(); // the button disappears
    },
  };
}
