/** A titled section with a border. */

import { useId, type ReactNode } from 'react';

import classes from './panel.module.css';

export function Panel({ title, children }: { title: string; children: ReactNode }) {
  const titleId = useId();
  return (
    <section className={classes.root} aria-labelledby={titleId}>
      <h2 className={classes.title} id={titleId}>
        {title}
      </h2>
      {children}
    </section>
  );
}
