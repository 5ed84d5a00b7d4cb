/** A banner above the page while the page is not live: it says why, and since when. It does not move the content. */

import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';

import { useApp } from '../app-context.ts';
import { useConnection } from './use-connection.ts';

import classes from './connection-banner.module.css';

/** Shorter interruptions, such as the replacement of a server, show no banner. */
const delayMs = 1_500;

export function ConnectionBanner() {
  const { kind, title, message } = useConnection();
  const isInterrupted = kind !== 'live' && kind !== 'polling' && kind !== 'connecting';
  const isOverdue = useHasLasted(isInterrupted, delayMs);
  const { liveFeed } = useApp();
  return (
    <output className={classes.place}>
      {isInterrupted && isOverdue && (
        <div className={classes.root} data-kind={kind}>
          <IconPlugConnectedX size={18} stroke={1.7} aria-hidden="true" />
          <p className={classes.message}>
            <strong>{title}</strong> {message}
          </p>
          {kind === 'reconnecting' && (
            <Button size="compact-xs" variant="default" onClick={() => liveFeed.restart()}>
              Try now
            </Button>
          )}
        </div>
      )}
    </output>
  );
}

/** Whether `value` has been true for `durationMs` without a break. */
function useHasLasted(value: boolean, durationMs: number): boolean {
  const [hasLasted, setHasLasted] = useState(false);
  useEffect(() => {
    if (!value) return undefined;
    const timer = window.setTimeout(() => setHasLasted(true), durationMs);
    return () => {
      window.clearTimeout(timer);
      setHasLasted(false);
    };
  }, [value, durationMs]);
  return hasLasted;
}
