/** The profile of the user, as the identity provider reports it. */

import { Avatar, Text, Title } from '@mantine/core';

import { trpc } from '../api/trpc.ts';
import { CopyIcon } from '../ui/CopyIcon.tsx';
import { initialsOf } from '../ui/format.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

export function ProfilePage() {
  // `AppLayout` has loaded the user before it renders this page.
  const { data: user } = trpc.auth.me.useQuery();
  return (
    <div className={classes.root}>
      <PageTitle>Profile</PageTitle>
      <SettingsNav />
      <Title order={1}>Profile</Title>
      <Text c="dimmed" mt={4}>
        Name, e-mail and picture come from your identity provider and are updated each time you sign in.
      </Text>
      {user !== undefined && (
        <dl className={classes.list}>
          <div className={classes.row}>
            <dt className={classes.label}>Name</dt>
            <dd className={classes.fact}>
              <Avatar src={user.picture} size={26} radius="xl" color="iris" alt="" aria-hidden="true">
                {initialsOf(user.name)}
              </Avatar>
              {user.name}
            </dd>
          </div>
          <div className={classes.row}>
            <dt className={classes.label}>E-mail</dt>
            <dd className={classes.fact}>{user.email ?? 'Not provided'}</dd>
          </div>
          <div className={classes.row}>
            <dt className={classes.label}>User id</dt>
            <dd className={classes.fact}>
              <code>{user.id}</code>
              <CopyIcon value={user.id} what="the user id" />
            </dd>
          </div>
        </dl>
      )}
    </div>
  );
}
