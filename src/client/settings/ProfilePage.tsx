import { Avatar, Text, Title } from '@mantine/core';

import { trpc } from '../api/trpc.ts';
import { CopyIcon } from '../ui/CopyIcon.tsx';
import { initialsOf } from '../ui/format.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

/** Who the person is here, in the words of the sign-in provider. */
export function ProfilePage() {
  // The frame of the page has asked already: nobody sees this page who is not known.
  const { data: user } = trpc.auth.me.useQuery();
  return (
    <div className={classes.root}>
      <PageTitle>Profile</PageTitle>
      <SettingsNav />
      <Title order={1}>Profile</Title>
      <Text c="dimmed" mt={4}>
        Name, address and picture come from where you sign in, and are read anew each time you do.
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
            <dd className={classes.fact}>{user.email ?? 'None was given'}</dd>
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
