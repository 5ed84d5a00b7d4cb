/** A message in place of a page or panel that is empty, failed or not found. It says what happened and what to do. */

import { Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

import classes from './message.module.css';

interface MessageProps {
  icon: ReactNode;
  title: string;
  /** One or two sentences: what happened and what to do. */
  children: ReactNode;
  actions?: ReactNode;
  /** The level of the heading: 1 when the message is the whole page, 2 within a page. */
  order?: 1 | 2;
  role?: 'alert' | undefined;
}

export function Message({ icon, title, children, actions, order = 2, role }: MessageProps) {
  return (
    <div className={classes.root} role={role}>
      <div className={classes.icon} aria-hidden="true">
        {icon}
      </div>
      <Title order={order} size="h2">
        {title}
      </Title>
      <Text c="dimmed" className={classes.text}>
        {children}
      </Text>
      {actions !== undefined && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
