import { Button } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { Link, useLocation } from 'react-router';

import { BarePage } from './BarePage.tsx';
import { Message } from './Message.tsx';
import { PageTitle } from './PageTitle.tsx';

/** For addresses that lead nowhere. */
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
        Nothing lives at {pathname.length > 80 ? `${pathname.slice(0, 80)}…` : pathname}. The address may be mistyped,
        or the link that brought you here is out of date.
      </Message>
    </BarePage>
  );
}
