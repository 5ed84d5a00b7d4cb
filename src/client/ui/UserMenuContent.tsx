/** The user menu: the settings pages and sign-out. */

import { Menu, Text } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import {
  IconBuilding,
  IconDevices,
  IconKey,
  IconLogout,
  IconPalette,
  IconSparkles,
  IconUser,
} from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import type { ComponentPropsWithRef, ReactElement } from 'react';
import { Link } from 'react-router';

import type { Me } from '../../shared/contract/account.ts';
import { useApp } from '../app-context.ts';
import { notifyFailure } from './notify.ts';
import type { LazyMenuProps } from './use-lazy-menu.ts';

/** Renders the button of the menu, with props that differ between the plain button and the target of the menu. */
export type RenderMenuButton = (props: ComponentPropsWithRef<'button'>) => ReactElement;

interface UserMenuContentProps extends LazyMenuProps {
  user: Me;
  renderButton: RenderMenuButton;
}

export function UserMenuContent({ user, opened, onChange, renderButton }: UserMenuContentProps) {
  const { session } = useApp();
  // The first render is closed: a menu that is open when it mounts does not know where to return the focus.
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
        {/* This button replaces the plain one that the user has pressed, so it must take the focus over. */}
        {renderButton({ autoFocus: true })}
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
        <Menu.Item component={Link} to="/settings/models" leftSection={<IconSparkles size={16} stroke={1.6} />}>
          Models
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
        {user.isAdministrator && (
          <>
            <Menu.Divider />
            <Menu.Item component={Link} to="/admin/people" leftSection={<IconBuilding size={16} stroke={1.6} />}>
              Administration
            </Menu.Item>
          </>
        )}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} stroke={1.6} />} onClick={() => signOut.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
