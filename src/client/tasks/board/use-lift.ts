/** The task that is being moved, by pointer or by keys: where it would go, and what a screen reader says about it. */

import { useEffect, useEffectEvent, useState, type RefObject } from 'react';

import type { Task, TaskState } from '../../../shared/contract/tasks.ts';
import { useMayChangeTasks, useTaskCommands } from '../task-commands.ts';
import { droppedText, liftedText, placeText, putBackText } from './announcements.ts';
import { afterIdAt, clampedPlace, placeOf, type Columns, type Place } from './columns.ts';
import { createPointerDrag } from './pointer-drag.ts';

interface Lifted {
  taskId: string;
  /** Where it would go: a place among the shown tasks. */
  place: Place;
  by: 'pointer' | 'keys';
}

interface LiftInput {
  board: RefObject<HTMLElement | null>;
  all: Columns;
  /** Without the tasks that the filter hides. */
  shown: Columns;
}

export function useLift({ board, all, shown }: LiftInput) {
  const commands = useTaskCommands();
  const mayMove = useMayChangeTasks();
  const [lifted, setLifted] = useState<Lifted | null>(null);
  const [announcement, setAnnouncement] = useState('');
  const taskOf = (taskId: string): Task | undefined =>
    Object.values(shown)
      .flat()
      .find(({ id }) => id === taskId);

  function lift(taskId: string, by: Lifted['by']): void {
    if (!mayMove) return;
    const task = taskOf(taskId);
    const place = placeOf(shown, taskId);
    if (task === undefined || place === null) return;
    setLifted({ taskId, place, by });
    if (by === 'keys') setAnnouncement(liftedText(task, placeText(shown, taskId, place)));
  }
  function choose(place: Place): void {
    if (lifted === null) return;
    setLifted({ ...lifted, place });
    if (lifted.by === 'keys') setAnnouncement(placeText(shown, lifted.taskId, place));
  }
  /** @returns whether the task has a new place */
  function end(isDropped: boolean): boolean {
    if (lifted === null) return false;
    const { taskId } = lifted;
    setLifted(null);
    const [task, from] = [taskOf(taskId), placeOf(shown, taskId)];
    if (task === undefined || from === null) return false; // it was deleted meanwhile
    const place = clampedPlace(shown, taskId, lifted.place);
    const isMoved = isDropped && (place.state !== from.state || place.index !== from.index);
    setAnnouncement(isDropped ? droppedText(task, placeText(shown, taskId, place)) : putBackText(task));
    if (isMoved) void commands.move(task, place.state, afterIdAt({ all, shown }, { taskId, place }));
    return isMoved;
  }

  const onLift = useEffectEvent((taskId: string) => lift(taskId, 'pointer'));
  const onPlace = useEffectEvent(choose);
  const onEnd = useEffectEvent((isDropped: boolean) => void end(isDropped));
  useEffect(() => {
    if (board.current === null) return undefined;
    return createPointerDrag(board.current, {
      onLift: (taskId) => onLift(taskId),
      onPlace: (place) => onPlace(place),
      onEnd: (isDropped) => onEnd(isDropped),
    });
  }, [board]);

  return {
    lifted,
    /** The lifted task, for the column that it comes from and the one that it would go to. The others need not render. */
    liftedIn: (state: TaskState): string | null =>
      lifted !== null && (lifted.place.state === state || taskOf(lifted.taskId)?.state === state)
        ? lifted.taskId
        : null,
    announcement,
    liftByKeys: (taskId: string) => lift(taskId, 'keys'),
    choose,
    end,
    /** When the focus leaves a task that was lifted by keys. */
    cancelByKeys: () => {
      if (lifted?.by === 'keys') end(false);
    },
  };
}
