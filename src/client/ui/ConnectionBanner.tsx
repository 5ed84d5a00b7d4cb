import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';

import { useApp } from '../app-context.ts';
import { useConnection } from './use-connection.ts';

import classes from './connection-banner.module.css';

/** A short interruption, as when a server is replaced, is nobody's concern. */
const timeoutMs = 1_500;

/** Says above everything that the page is not live, since when, and that it mends itself. Moves nothing below it. */
export function ConnectionBanner() {
  const { kind, title, message } = useConnection();
  const isObserved = kind !== 'live' && kind !== 'connecting';
  const isOverdue = useAfter(isObserved, timeoutMs);
  const { liveFeed } = useApp();
  return (
    <output className={classes.place}>
      {isObserved && isOverdue && (
        <div className={classes.root} data-kind={kind}>
          <IconPlugConnectedX size={18} stroke={1.7} aria-hidden="true" />
          <p className={classes.words}>
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

/** Whether `on` has held for so long. */
function useAfter(on: boolean, delayMs: number): boolean {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    if (!on) return undefined;
    const timer = window.setTimeout(() => setIsOver(true), delayMs);
    return () => {
      window.clearTimeout(timer);
      setIsOver(false);
    };
  }, [on, delayMs]);
  return isOver;
}
