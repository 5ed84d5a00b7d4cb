import { Avatar, UnstyledButton, VisuallyHidden, type UnstyledButtonProps } from '@mantine/core';
import type { ComponentPropsWithRef } from 'react';

import type { User } from '../../shared/contract/account.ts';
import { initialsOf } from './format.ts';

type UserButtonProps = { user: User } & UnstyledButtonProps & ComponentPropsWithRef<'button'>;

/** The person's picture or initials, as a button. */
export function UserButton({ user, ...props }: UserButtonProps) {
  return (
    <UnstyledButton {...props} style={{ borderRadius: '50%' }}>
      <VisuallyHidden>Account of {user.name}</VisuallyHidden>
      <Avatar src={user.picture} size={30} radius="xl" color="iris" alt="" aria-hidden="true">
        {initialsOf(user.name)}
      </Avatar>
    </UnstyledButton>
  );
}
