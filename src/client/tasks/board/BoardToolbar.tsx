/** The filter of the board, and the button that creates a task. */

import { Button, CloseButton, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconMessageQuestion, IconPlus, IconSearch, IconSelector } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';

import { useMayChangeTasks } from '../task-commands.ts';
import { isPriority, priorities, priorityLabels } from '../task-list.ts';
import { isFiltered, maxFilterLength, type BoardFilter } from './filter.ts';

import classes from './board-toolbar.module.css';

interface BoardToolbarProps {
  filter: BoardFilter;
  onFilter: (change: Partial<BoardFilter>) => void;
  /** How many tasks match the filter. */
  found: number;
  /** How many tasks wait for a person. */
  waiting: number;
  onAdd: () => void;
  /** Settings of the project, beside the button. */
  children: ReactNode;
}

export function BoardToolbar({ filter, onFilter, found, waiting, onAdd, children }: BoardToolbarProps) {
  const mayAdd = useMayChangeTasks();
  return (
    <search className={classes.root}>
      <FilterText applied={filter.text} onChange={(text) => onFilter({ text })} />
      <NativeSelect
        className={classes.select}
        size="xs"
        aria-label="Priority"
        rightSection={<IconSelector size={14} stroke={1.8} />}
        rightSectionPointerEvents="none"
        value={filter.priority ?? ''}
        data={[
          { value: '', label: 'Any priority' },
          ...priorities.toReversed().map((value) => ({ value, label: priorityLabels[value] })),
        ]}
        onChange={({ currentTarget: { value } }) => onFilter({ priority: isPriority(value) ? value : null })}
      />
      <Button
        className={classes.needs ?? ''}
        size="xs"
        variant={filter.needsYou ? 'light' : 'default'}
        aria-pressed={filter.needsYou}
        leftSection={<IconMessageQuestion size={15} stroke={1.7} />}
        rightSection={
          <span className={classes.waiting} data-some={waiting > 0 || undefined}>
            {waiting}
          </span>
        }
        onClick={() => onFilter({ needsYou: !filter.needsYou })}
      >
        Needs you
      </Button>
      {isFiltered(filter) && (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          onClick={() => onFilter({ text: '', priority: null, needsYou: false })}
        >
          Clear the filter
        </Button>
      )}
      <output className={classes.found}>{isFiltered(filter) ? `${found} found` : ''}</output>
      {children}
      {mayAdd && (
        <Button
          className={classes.new ?? ''}
          size="xs"
          leftSection={<IconPlus size={15} stroke={1.8} />}
          onClick={onAdd}
        >
          New task
        </Button>
      )}
    </search>
  );
}

function FilterText({ applied, onChange }: { applied: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(applied);
  const [followed, setFollowed] = useState(applied);
  // The address holds the applied text. When it changes for another reason than typing, the field follows.
  if (applied !== followed) {
    setFollowed(applied);
    if (text.trim() !== applied) setText(applied);
  }
  const applyDebounced = useDebouncedCallback(onChange, 150);
  const type = (typed: string): void => {
    setText(typed);
    applyDebounced(typed);
  };
  return (
    <TextInput
      className={classes.text}
      size="xs"
      type="search"
      aria-label="Filter the tasks"
      placeholder="Filter"
      maxLength={maxFilterLength}
      value={text}
      leftSection={<IconSearch size={14} stroke={1.8} />}
      rightSection={text === '' ? null : <CloseButton size="xs" aria-label="Clear the text" onClick={() => type('')} />}
      onChange={(event) => type(event.currentTarget.value)}
    />
  );
}
