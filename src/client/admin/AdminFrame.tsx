/** What the pages of administrators share: title, navigation, and a message for everybody else. */

import { Text, Title } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { NavLink } from 'react-router';

import { trpc } from '../api/trpc.ts';
import { Message } from '../ui/Message.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';

import settings from '../settings/settings.module.css';

const pages = [
  { to: '/admin/people', label: 'People' },
  { to: '/admin/projects', label: 'Projects' },
  { to: '/admin/usage', label: 'Usage' },
  { to: '/admin/audit', label: 'Audit log' },
  { to: '/admin/installation', label: 'Installation' },
];

interface AdminFrameProps {
  title: string;
  description: string;
  children: ReactNode;
}

export function AdminFrame({ title, description, children }: AdminFrameProps) {
  const { data: me } = trpc.auth.me.useQuery();
  if (me?.isAdministrator === false) {
    return (
      <Message icon={<IconLock size={22} stroke={1.6} />} title="Only for administrators" order={1}>
        Ask an administrator of this installation if you need something from these pages.
      </Message>
    );
  }
  return (
    <div>
      <PageTitle>{title}</PageTitle>
      <nav aria-label="Administration" className={settings.nav}>
        {pages.map(({ to, label }) => (
          <NavLink key={to} to={to} className={settings.tab ?? ''}>
            {label}
          </NavLink>
        ))}
      </nav>
      <Title order={1}>{title}</Title>
      <Text c="dimmed" mt={4}>
        {description}
      </Text>
      {children}
    </div>
  );
}
