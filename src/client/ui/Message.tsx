import { Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

import classes from './message.module.css';

export interface MessageProps {
  icon: ReactNode;
  title: string;
  /** One or two sentences: what happened and what to do. */
  children: ReactNode;
  actions?: ReactNode;
  /** 1 where the message is the whole page, 2 within one. */
  order?: 1 | 2;
  role?: 'alert' | undefined;
}

/** A page or a panel that has nothing to show but words: empty, failed or not found. */
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
