/** The page for unknown addresses. */

import { Button } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { Link, useLocation } from 'react-router';

import { BarePage } from './BarePage.tsx';
import { Message } from './Message.tsx';
import { PageTitle } from './PageTitle.tsx';

export function NotFoundPage() {
  const { pathname } = useLocation();
  return (
    <BarePage>
      <PageTitle>Page not found</PageTitle>
      <Message
        order={1}
        icon={<IconMapQuestion size={22} stroke={1.6} />}
        title="There is no such page"
        actions={
          <Button component={Link} to="/projects">
            Go to your projects
          </Button>
        }
      >
        There is no page at {pathname.length > 80 ? `${pathname.slice(0, 80)}…` : pathname}. The address may be
        mistyped, or the link may be out of date.
      </Message>
    </BarePage>
  );
}
