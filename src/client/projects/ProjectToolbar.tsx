/** The search, the status filter and the sort order of the list of projects. */

import { CloseButton, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';

import type { ListFilter } from '../api/merge-projects.ts';
import { statusChoices, trashChoice, type ListFilterChange } from './use-list-filter.ts';

import classes from './project-toolbar.module.css';

interface ProjectToolbarProps {
  filter: ListFilter;
  onChange: (change: ListFilterChange) => void;
}

export function ProjectToolbar({ filter, onChange }: ProjectToolbarProps) {
  const applied = filter.search ?? '';
  const [text, setText] = useState(applied);
  const [followed, setFollowed] = useState(applied);
  // The address holds the applied search. When it changes for another reason than typing, the field follows.
  if (applied !== followed) {
    setFollowed(applied);
    if (text.trim() !== applied) setText(applied);
  }
  const applyDebounced = useDebouncedCallback((search: string) => onChange({ search }), 250);
  const type = (search: string): void => {
    setText(search);
    applyDebounced(search);
  };
  return (
    <search className={classes.root}>
      <TextInput
        className={classes.search}
        aria-label="Search projects"
        placeholder="Search projects"
        type="search"
        maxLength={100}
        value={text}
        onChange={(event) => type(event.currentTarget.value)}
        leftSection={<IconSearch size={15} stroke={1.8} />}
        rightSection={
          text === '' ? null : <CloseButton size="sm" aria-label="Clear the search" onClick={() => type('')} />
        }
      />
      <NativeSelect
        className={classes.select}
        aria-label="Status"
        value={filter.inTrash ? trashChoice.value : (filter.status ?? '')}
        onChange={(event) => onChange({ status: event.currentTarget.value })}
        data={[{ value: '', label: 'Any status' }, ...statusChoices, trashChoice]}
      />
      <NativeSelect
        className={classes.select}
        aria-label="Sort by"
        value={filter.sort ?? 'createdAt'}
        onChange={(event) => onChange({ sort: event.currentTarget.value === 'name' ? 'name' : 'createdAt' })}
        data={[
          { value: 'createdAt', label: 'Newest first' },
          { value: 'name', label: 'Name, A to Z' },
        ]}
      />
    </search>
  );
}
