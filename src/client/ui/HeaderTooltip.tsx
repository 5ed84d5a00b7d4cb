/**
 * A tooltip for the header. Every page has the header, so the library for tooltips, a tenth of the code of the first page, is loaded
 * when the pointer or the focus first reaches something that has one.
 */

import { VisuallyHidden } from '@mantine/core';
import {
  Suspense,
  useId,
  useState,
  type FocusEvent,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
} from 'react';

import type { HeaderTooltipContentProps } from './HeaderTooltipContent.tsx';
import { lazyPart } from './lazy-part.ts';
import { useOnceTrue } from './use-once-true.ts';

const HeaderTooltipContent = lazyPart<HeaderTooltipContentProps>(
  async () => (await import('./HeaderTooltipContent.tsx')).HeaderTooltipContent,
);

/** For the element that has the tooltip. */
export interface TooltipTargetProps {
  ref: (element: HTMLElement | null) => void;
  'aria-describedby': string | undefined;
  onPointerEnter: (event: PointerEvent) => void;
  onPointerLeave: () => void;
  onFocus: (event: FocusEvent) => void;
  onBlur: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

interface HeaderTooltipProps {
  label: string;
  children: (props: TooltipTargetProps) => ReactNode;
}

export function HeaderTooltip({ label, children }: HeaderTooltipProps) {
  const id = useId();
  const [target, setTarget] = useState<HTMLElement | null>(null);
  const [opened, setOpened] = useState(false);
  const isNeeded = useOnceTrue(opened);
  const close = () => setOpened(false);
  const props: TooltipTargetProps = {
    ref: setTarget,
    'aria-describedby': opened ? id : undefined,
    onPointerEnter: ({ pointerType }) => setOpened(pointerType !== 'touch'),
    onPointerLeave: close,
    // A button that is tapped or clicked acts, and shows nothing. Text that is tapped shows more.
    onFocus: ({ currentTarget }) => setOpened(currentTarget.matches(':focus-visible, output')),
    onBlur: close,
    onKeyDown: ({ key }) => {
      if (key === 'Escape') close();
    },
  };
  return (
    <>
      {children(props)}
      {opened && <VisuallyHidden id={id}>{label}</VisuallyHidden>}
      <Suspense>{isNeeded && <HeaderTooltipContent label={label} opened={opened} target={target} />}</Suspense>
    </>
  );
}
