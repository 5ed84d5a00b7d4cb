/** The page for unexpected errors. Usually the server has a newer version, whose files have other names. */

import { Button } from '@mantine/core';
import { IconMoodSad } from '@tabler/icons-react';

import { Message } from './Message.tsx';
import { PageTitle } from './PageTitle.tsx';

export function CrashPage({ error }: { error: unknown }) {
  const isLoadError = error instanceof TypeError && /import|module|fetch/i.test(error.message);
  return (
    <main>
      <PageTitle>Something went wrong</PageTitle>
      <Message
        role="alert"
        order={1}
        icon={<IconMoodSad size={22} stroke={1.6} />}
        title={isLoadError ? 'This page could not be loaded' : 'This page ran into an error'}
        actions={
          <>
            <Button onClick={() => window.location.reload()}>Reload the page</Button>
            <Button variant="default" component="a" href="/projects">
              Go to your projects
            </Button>
          </>
        }
      >
        {isLoadError
          ? 'The server may be restarting, or it has a newer version. Reloading usually helps.'
          : 'Your projects are not affected. Reload the page. If the error happens again, tell an administrator what you did before it.'}
      </Message>
    </main>
  );
}
