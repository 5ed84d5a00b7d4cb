/** Says in the header whether the page shows the current state. */

import { HeaderTooltip } from './HeaderTooltip.tsx';
import { useConnection } from './use-connection.ts';

import classes from './connection-indicator.module.css';

export function ConnectionIndicator() {
  const { kind, label, message } = useConnection();
  return (
    <HeaderTooltip label={message}>
      {(props) => (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the tooltip must be reachable by keyboard
        <output className={classes.root} tabIndex={0} data-kind={kind} {...props}>
          <span className={classes.dot} aria-hidden="true" />
          <span>{label}</span>
        </output>
      )}
    </HeaderTooltip>
  );
}
