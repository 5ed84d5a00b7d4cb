/** A list that is loaded page by page: its search field, its states, and the button for more. */

import { Button, Skeleton, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';

import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';

import classes from './admin.module.css';

/** The text of the field, and the text that is searched for, which follows a moment later. */
export function useSearch(): { text: string; search: string; setText: (text: string) => void } {
  const [text, setText] = useState('');
  const [search] = useDebouncedValue(text, 250);
  return { text, search, setText };
}

/** What a page needs of an infinite query of tRPC. */
interface PagedQuery {
  isPending: boolean;
  isError: boolean;
  error: unknown;
  isFetching: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  refetch: () => unknown;
  fetchNextPage: () => unknown;
}

interface ListPartProps {
  /** Begins a sentence, such as `The people`. */
  what: string;
  search: { label: string; text: string; setText: (text: string) => void };
  /** Further filters and buttons. */
  filters?: ReactNode;
  query: PagedQuery;
  /** How many rows there are. */
  rows: number;
  children: ReactNode;
}

export function ListPart({ what, search, filters, query, rows, children }: ListPartProps) {
  return (
    <>
      <div className={classes.filters}>
        <TextInput
          className={classes.search ?? ''}
          aria-label={search.label}
          placeholder={search.label}
          leftSection={<IconSearch size={16} stroke={1.6} />}
          value={search.text}
          maxLength={200}
          onChange={(event) => search.setText(event.currentTarget.value)}
        />
        {filters}
      </div>
      {query.isPending && <Skeleton height={200} mt="sm" radius="lg" />}
      {query.isError && rows === 0 && (
        <LoadFailure what={what} error={query.error} retrying={query.isFetching} onRetry={() => void query.refetch()} />
      )}
      {!query.isPending && !query.isError && rows === 0 && (
        <Message icon={<IconSearch size={22} stroke={1.6} />} title="Nothing found">
          Change the search or the filter.
        </Message>
      )}
      {rows > 0 && <div className={classes.card}>{children}</div>}
      {query.hasNextPage && (
        <div className={classes.more}>
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
    </>
  );
}
