import { Menu, Text } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import { IconDevices, IconKey, IconLogout, IconPalette, IconUser } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { Link } from 'react-router';

import type { User } from '../../shared/contract/account.ts';
import { useApp } from '../app-context.ts';
import { notifyFailure } from './notify.ts';
import type { LazyMenuProps } from './use-lazy-menu.ts';
import { UserButton } from './UserButton.tsx';

/** The menu itself, loaded when it is needed. */
export function UserMenuOpen({ user, opened, onChange }: LazyMenuProps & { user: User }) {
  const { session } = useApp();
  // Closed in the very first moment: a menu that is born open does not know where to return the focus.
  const mounted = useMounted();
  const signOut = useMutation({
    mutationFn: () => session.signOut(),
    onError: (error) => notifyFailure('You are still signed in', error),
  });
  return (
    <Menu
      opened={opened && mounted}
      onChange={onChange}
      position="bottom-end"
      width={232}
      offset={8}
      shadow="md"
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        {/* It takes the place of the plain button, and with it the focus to which the menu returns. */}
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the person has just pressed the button that was here */}
        <UserButton user={user} autoFocus />
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
        <Menu.Item component={Link} to="/settings/profile" leftSection={<IconUser size={16} stroke={1.6} />}>
          Profile
        </Menu.Item>
        <Menu.Item component={Link} to="/settings/tokens" leftSection={<IconKey size={16} stroke={1.6} />}>
          Access tokens
        </Menu.Item>
        <Menu.Item component={Link} to="/settings/sessions" leftSection={<IconDevices size={16} stroke={1.6} />}>
          Sessions
        </Menu.Item>
        <Menu.Item component={Link} to="/settings/appearance" leftSection={<IconPalette size={16} stroke={1.6} />}>
          Appearance
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} stroke={1.6} />} onClick={() => signOut.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
