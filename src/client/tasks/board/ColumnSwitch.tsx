/** On a phone: shows which column is in view, and leads to the others. */

import { UnstyledButton } from '@mantine/core';
import { useEffect, useEffectEvent, useState, type RefObject } from 'react';

import { taskStates } from '../../../shared/contract/tasks.ts';
import { stateLabels } from '../task-list.ts';
import { columnIcons } from './column-labels.ts';
import type { Columns } from './columns.ts';

import classes from './board.module.css';

export function ColumnSwitch({ board, columns }: { board: RefObject<HTMLElement | null>; columns: Columns }) {
  const [current, setCurrent] = useState(0);
  const showFirst = useEffectEvent(() => {
    const first = taskStates.findIndex((state) => columns[state].length > 0);
    if (first > 0 && window.matchMedia('(max-width: 760px)').matches) {
      board.current?.scrollTo({ left: first * board.current.clientWidth, behavior: 'instant' });
    }
  });
  // The board opens at a column that has cards.
  useEffect(() => showFirst(), []);
  useEffect(() => {
    const element = board.current;
    if (element === null) return undefined;
    const onScroll = (): void => setCurrent(Math.round(element.scrollLeft / Math.max(1, element.clientWidth)));
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => element.removeEventListener('scroll', onScroll);
  }, [board]);
  return (
    <nav className={classes.switch} aria-label="Columns">
      {taskStates.map((state, index) => {
        const Icon = columnIcons[state];
        return (
          <UnstyledButton
            key={state}
            className={classes.switchButton}
            aria-pressed={index === current}
            aria-label={`${stateLabels[state]} ${columns[state].length}`}
            onClick={() => board.current?.scrollTo({ left: index * board.current.clientWidth })}
          >
            <Icon size={15} stroke={1.9} aria-hidden="true" />
            {index === current && <span>{stateLabels[state]}</span>}
            <span className={classes.count}>{columns[state].length}</span>
          </UnstyledButton>
        );
      })}
    </nav>
  );
}
