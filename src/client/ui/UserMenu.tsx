import { Avatar, Menu, Text, UnstyledButton } from '@mantine/core';
import { IconKey, IconLogout } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { Link } from 'react-router';

import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { initialsOf } from './format.ts';
import { notifyFailure } from './notify.ts';

/** Who is signed in, and what belongs to the person. */
export function UserMenu() {
  const { data: user } = trpc.auth.me.useQuery();
  const { session } = useApp();
  const signOut = useMutation({
    mutationFn: () => session.signOut(),
    onError: (error) => notifyFailure('You are still signed in', error),
  });
  if (user === undefined) return null;
  return (
    <Menu position="bottom-end" width={232} offset={8} shadow="md">
      <Menu.Target>
        <UnstyledButton aria-label={`Account of ${user.name}`} style={{ borderRadius: '50%' }}>
          <Avatar src={user.picture} size={30} radius="xl" color="iris" alt="">
            {initialsOf(user.name)}
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)" truncate>
            {user.name}
          </Text>
          {user.email !== null && (
            <Text size="xs" truncate>
              {user.email}
            </Text>
          )}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component={Link} to="/settings/tokens" leftSection={<IconKey size={16} stroke={1.6} />}>
          Access tokens
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} stroke={1.6} />} onClick={() => signOut.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
