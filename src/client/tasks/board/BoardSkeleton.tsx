/** The board while its tasks are loading, of the same size. */

import { Skeleton } from '@mantine/core';

import { taskStates } from '../../../shared/contract/tasks.ts';
import { stateLabels } from '../task-list.ts';

import toolbar from './board-toolbar.module.css';
import classes from './board.module.css';
import card from './task-card.module.css';

const cards = [3, 1, 0, 2, 2];

export function BoardSkeleton() {
  return (
    <output className={classes.place} aria-label="Loading the tasks" aria-busy="true">
      <div className={toolbar.root} aria-hidden="true">
        <Skeleton height={30} width={240} />
        <Skeleton height={30} width={124} />
      </div>
      <div className={classes.board} aria-hidden="true">
        {taskStates.map((state, index) => (
          <div key={state} className={classes.column}>
            <div className={classes.columnHead}>
              <span className={classes.columnTitle}>{stateLabels[state]}</span>
            </div>
            <div className={classes.cards}>
              {['one', 'two', 'three'].slice(0, cards[index]).map((key) => (
                <div key={key} className={card.root}>
                  <Skeleton height={12} mt={4} />
                  <Skeleton height={12} mt={8} width="60%" />
                </div>
              ))}
            </div>
          </div>
        ))}
      </div>
    </output>
  );
}
