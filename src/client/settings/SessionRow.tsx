/** A session in the list of sessions. The user menu signs out the current one; this row signs out another. */

import { Button } from '@mantine/core';
import { IconDeviceDesktop, IconDeviceMobile } from '@tabler/icons-react';

import type { Session } from '../../shared/contract/account.ts';
import { formatDate, formatTime } from '../ui/format.ts';
import { Time } from '../ui/Time.tsx';

import classes from './settings.module.css';

interface SessionRowProps {
  session: Session;
  onEnd: () => void;
}

export function SessionRow({ session, onEnd }: SessionRowProps) {
  const { device, createdAt, lastUsedAt, expiresAt, isCurrent } = session;
  const since = `${formatDate(createdAt)}, ${formatTime(Date.parse(createdAt))}`;
  const Icon = /Android|iPhone|iPad/.test(device) ? IconDeviceMobile : IconDeviceDesktop;
  return (
    <li className={classes.row}>
      <Icon size={22} stroke={1.5} className={classes.icon} aria-hidden="true" />
      <div className={classes.text}>
        <span className={classes.heading}>
          <span className={classes.name}>{device}</span>
          {isCurrent && <span className={classes.badge}>This device</span>}
        </span>
        <span className={classes.facts}>
          {isCurrent ? (
            <span>Active now</span>
          ) : (
            <span>
              Last used <Time iso={lastUsedAt} />
            </span>
          )}
          <span>Signed in {since}</span>
          <span>Expires {formatDate(expiresAt)}</span>
        </span>
      </div>
      {!isCurrent && (
        <Button
          variant="default"
          size="xs"
          flex="none"
          onClick={onEnd}
          aria-label={`Sign out ${device}, signed in ${since}`}
        >
          Sign out
        </Button>
      )}
    </li>
  );
}
