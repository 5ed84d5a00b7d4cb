/** The button with the user's picture that opens the user menu. The menu itself, `UserMenuContent.tsx`, is loaded on demand. */

import { Avatar, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { Suspense } from 'react';

import { trpc } from '../api/trpc.ts';
import { initialsOf } from './format.ts';
import { lazyPart } from './lazy-part.ts';
import { useLazyMenu } from './use-lazy-menu.ts';
import type { RenderMenuButton } from './UserMenuContent.tsx';

const UserMenuContent = lazyPart(async () => (await import('./UserMenuContent.tsx')).UserMenuContent);

export function UserMenu() {
  const { data: user } = trpc.auth.me.useQuery();
  const { isNeeded, buttonProps, menuProps } = useLazyMenu(UserMenuContent.preload);
  if (user === undefined) return null;
  const renderButton: RenderMenuButton = (extraProps) => (
    <UnstyledButton {...extraProps} style={{ borderRadius: '50%' }}>
      <VisuallyHidden>Account of {user.name}</VisuallyHidden>
      <Avatar src={user.picture} size={30} radius="xl" color="iris" alt="" aria-hidden="true">
        {initialsOf(user.name)}
      </Avatar>
    </UnstyledButton>
  );
  const button = renderButton(buttonProps);
  if (!isNeeded) return button;
  return (
    <Suspense fallback={button}>
      <UserMenuContent user={user} {...menuProps} renderButton={renderButton} />
    </Suspense>
  );
}
