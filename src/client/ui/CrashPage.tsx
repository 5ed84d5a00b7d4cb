import { Button } from '@mantine/core';
import { IconMoodSad } from '@tabler/icons-react';

import { Message } from './Message.tsx';
import { PageTitle } from './PageTitle.tsx';

/** For errors that a page did not expect. A new version on the server is the usual cause: its files have new names. */
export function CrashPage({ error }: { error: unknown }) {
  const outdated = error instanceof TypeError && /import|module|fetch/i.test(error.message);
  return (
    <main>
      <PageTitle>Something went wrong</PageTitle>
      <Message
        role="alert"
        order={1}
        icon={<IconMoodSad size={22} stroke={1.6} />}
        title={outdated ? 'This page could not be loaded' : 'This page ran into an error'}
        actions={
          <>
            <Button onClick={() => window.location.reload()}>Reload the page</Button>
            <Button variant="default" component="a" href="/projects">
              Go to your projects
            </Button>
          </>
        }
      >
        {outdated
          ? 'The server may be restarting, or it has a newer version. Reloading usually helps.'
          : 'Your projects are not affected: they go on by themselves. Reload the page; if it happens again, tell an administrator what you did before.'}
      </Message>
    </main>
  );
}
