/** A part of the form: a title and a text on the left, fields on the right. */

import { useId, type ReactNode } from 'react';

import classes from './config.module.css';

export function Section({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  const id = useId();
  return (
    <section className={classes.section} aria-labelledby={id}>
      <div>
        <h2 id={id}>{title}</h2>
        <p className={classes.dimmed}>{text}</p>
      </div>
      <div className={classes.fields}>{children}</div>
    </section>
  );
}
