/** All people who have signed in, and a way to end their sessions. */

import { Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';

import type { Person } from '../../shared/contract/admin.ts';
import { trpc } from '../api/trpc.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { count } from '../ui/format.ts';
import { notifyDone, notifyFailure } from '../ui/notify.ts';
import { Time } from '../ui/Time.tsx';
import { AdminFrame } from './AdminFrame.tsx';
import { ListPart, useSearch } from './ListPart.tsx';

import settings from '../settings/settings.module.css';
import classes from './admin.module.css';

export function PeoplePage() {
  const { text, search, setText } = useSearch();
  const people = trpc.admin.people.useInfiniteQuery(
    { search },
    { getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined, placeholderData: (before) => before },
  );
  const items = people.data?.pages.flatMap((page) => page.items) ?? [];
  const [ending, setEnding] = useState<Person | null>(null);
  return (
    <AdminFrame title="People" description="Everybody who has signed in. Accounts are kept by your sign-in service.">
      <ListPart
        what="The people"
        search={{ label: 'Search by name or e-mail', text, setText }}
        query={people}
        rows={items.length}
      >
        <table className={classes.table} aria-label="People">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Projects</th>
              <th scope="col" className={classes.optional}>
                Sessions and tokens
              </th>
              <th scope="col" className={classes.optional}>
                Last sign-in
              </th>
              <th scope="col">
                <span hidden>Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((person) => (
              <tr key={person.id}>
                <th scope="row">
                  {person.name} {person.isAdministrator && <span className={settings.badge}>Administrator</span>}
                  <span className={classes.second}>{person.email}</span>
                </th>
                <td className={classes.number}>
                  {person.projects}
                  <span className={classes.second}>{person.runningProjects} running</span>
                </td>
                <td className={`${classes.number} ${classes.optional}`}>
                  {count(person.sessions, 'session')}
                  <span className={classes.second}>{count(person.accessTokens, 'access token')}</span>
                </td>
                <td className={classes.optional}>
                  <Time iso={person.lastSignInAt} />
                </td>
                <td>
                  <Button
                    variant="default"
                    size="xs"
                    disabled={person.sessions + person.accessTokens === 0}
                    onClick={() => setEnding(person)}
                    aria-label={`Sign out ${person.name}`}
                  >
                    Sign out
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListPart>
      <SignOutDialog key={ending?.id ?? ''} person={ending} onClose={() => setEnding(null)} />
    </AdminFrame>
  );
}

function SignOutDialog({ person, onClose }: { person: Person | null; onClose: () => void }) {
  const [alsoTokens, setAlsoTokens] = useState(false);
  const { admin } = trpc.useUtils();
  const end = trpc.admin.endSessions.useMutation({
    onSuccess(ended) {
      notifyDone(`${count(ended.sessions, 'session')} and ${count(ended.accessTokens, 'access token')} ended.`);
      onClose();
    },
    onError: (error) => notifyFailure('The sessions could not be ended', error),
    onSettled: () => admin.people.invalidate(),
  });
  return (
    <Dialog opened={person !== null} onClose={onClose} title={`Sign out ${person?.name ?? ''}`}>
      <Stack gap="md">
        <Text>
          Every browser of this person has to sign in again. To keep somebody out, also remove the account in your
          sign-in service.
        </Text>
        <Checkbox
          label="Also revoke the access tokens"
          description="Scripts and command lines of this person stop working."
          checked={alsoTokens}
          onChange={(event) => setAlsoTokens(event.currentTarget.checked)}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button
            color="red.8"
            loading={end.isPending}
            onClick={() => person && end.mutate({ id: person.id, alsoTokens })}
          >
            Sign out
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
