/** The icons of the columns, and what an empty one says. */

import {
  IconCircle,
  IconCircleCheck,
  IconCircleHalf2,
  IconEye,
  IconSparkles,
  type TablerIcon,
} from '@tabler/icons-react';

import type { TaskState } from '../../../shared/contract/tasks.ts';

export const columnIcons = {
  TODO: IconCircle,
  IN_PROGRESS: IconCircleHalf2,
  AI_REVIEW: IconSparkles,
  HUMAN_REVIEW: IconEye,
  DONE: IconCircleCheck,
} satisfies Record<TaskState, TablerIcon>;

export const emptyTexts = {
  TODO: 'Nothing to do',
  IN_PROGRESS: 'No agent is working',
  AI_REVIEW: 'Nothing in AI review',
  HUMAN_REVIEW: 'Nothing to review',
  DONE: 'Nothing done yet',
} satisfies Record<TaskState, string>;
