import { useState } from 'react';

import { useOnceTrue } from './use-once-true.ts';

/** What the menu itself takes, once it is there. */
export interface LazyMenuProps {
  opened: boolean;
  onChange: (opened: boolean) => void;
}

/**
 * A menu that is loaded when its button is approached and built when it is first opened: a page of a thousand cards
 * has a thousand plain buttons, and the first page loads no menu at all. `trigger` is for the button that stands there
 * until `needed`; from then on the menu, with a button of the same looks, takes its place.
 */
export function useLazyMenu(preload: () => Promise<unknown>) {
  const [opened, setOpened] = useState(false);
  const needed = useOnceTrue(opened);
  const approach = (): void => {
    // A failure shows when the menu is opened; until then it may pass.
    preload().catch(() => undefined);
  };
  const menu: LazyMenuProps = { opened, onChange: setOpened };
  return {
    needed,
    menu,
    trigger: {
      onClick: () => setOpened(true),
      onFocus: approach,
      onPointerEnter: approach,
      'aria-haspopup': 'menu' as const,
      'aria-expanded': false,
    },
  };
}
