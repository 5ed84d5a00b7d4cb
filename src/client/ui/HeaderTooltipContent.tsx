/** What `HeaderTooltip.tsx` loads when it is first shown. */

import { Tooltip } from '@mantine/core';

export interface HeaderTooltipContentProps {
  label: string;
  opened: boolean;
  target: HTMLElement | null;
}

/** Not every pointer that crosses the header wants to read. */
const transitionProps = { transition: 'fade', duration: 100, enterDelay: 150 } as const;

export function HeaderTooltipContent(props: HeaderTooltipContentProps) {
  return <Tooltip {...props} position="bottom-end" transitionProps={transitionProps} />;
}
