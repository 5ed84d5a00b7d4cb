/**
 * The state of a menu whose content is loaded when the pointer or the focus reaches its button, and mounted when it is
 * first opened. The list of projects has one menu a card: until then a card has a plain button only.
 */

import { useState } from 'react';

import { useOnceTrue } from './use-once-true.ts';

/** The props that the loaded content passes to its `Menu`. */
export interface LazyMenuProps {
  opened: boolean;
  onChange: (opened: boolean) => void;
}

/**
 * While `isNeeded` is false, render the button alone with `buttonProps`. After that render the content with `menuProps`;
 * it contains the same button as its `Menu.Target`.
 * @param preload loads the content
 */
export function useLazyMenu(preload: () => Promise<unknown>) {
  const [opened, setOpened] = useState(false);
  const isNeeded = useOnceTrue(opened);
  const load = (): void => {
    preload().catch(() => undefined); // reported when the menu is opened, if the load fails again then
  };
  const menuProps: LazyMenuProps = { opened, onChange: setOpened };
  const buttonProps = {
    onClick: () => setOpened(true),
    onFocus: load,
    onPointerEnter: load,
    'aria-haspopup': 'menu' as const,
    'aria-expanded': false,
  };
  return { isNeeded, buttonProps, menuProps };
}
