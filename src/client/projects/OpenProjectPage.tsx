/**
 * The page at `/projects/:projectId/open`, which leads into the workspace of a project. It asks the server for a link that
 * works once, and goes there. While the project is not ready, the workspace itself shows why and continues by itself.
 */

import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect } from 'react';
import { Link, useParams } from 'react-router';

import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { Message } from '../ui/Message.tsx';
import { PageLoading } from '../ui/PageLoading.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';

export function OpenProjectPage() {
  // The route always provides `projectId`; the default is for the type only.
  const { projectId = '' } = useParams();
  const { mutate, error, isPending } = trpc.projects.open.useMutation({
    // The address with the link must not stay in the history: it works only once.
    onSuccess: ({ url }) => window.location.replace(url),
  });
  useEffect(() => mutate({ id: projectId }), [mutate, projectId]);
  return (
    <>
      <PageTitle>Opening the project</PageTitle>
      {error === null ? (
        <PageLoading />
      ) : (
        <Message
          role="alert"
          order={1}
          icon={<IconPlugConnectedX size={22} stroke={1.6} />}
          title="The project could not be opened"
          actions={
            <>
              <Button variant="default" loading={isPending} onClick={() => mutate({ id: projectId })}>
                Try again
              </Button>
              <Button component={Link} variant="subtle" to={`/projects/${projectId}`}>
                Show the project
              </Button>
            </>
          }
        >
          {readError(error).message}
        </Message>
      )}
    </>
  );
}
