/** Placeholders in the list of projects: a card for a project that is being created, and cards while the list loads. */

import { Loader, Skeleton } from '@mantine/core';

import classes from './project-card.module.css';
import listClasses from './project-list.module.css';

export function PendingCard({ name }: { name: string }) {
  return (
    <article className={classes.root} data-pending aria-label={`${name}: being created`} aria-busy="true">
      <div className={classes.head}>
        <h2 className={classes.title}>{name}</h2>
        <Loader size={14} color="gray" />
      </div>
      <p className={classes.description}>Being created…</p>
      <div className={classes.status}>
        <Skeleton height={20} width={84} radius="xl" animate={false} />
      </div>
      <div className={classes.foot}>
        <Skeleton height={12} width={140} my={2} animate={false} />
        <Skeleton height={12} width={240} my={2} animate={false} />
      </div>
    </article>
  );
}

const skeletons = ['one', 'two', 'three', 'four', 'five', 'six'];

/** Empty cards of the same size as the real ones. */
export function CardSkeletons() {
  return (
    <output className={listClasses.grid} aria-label="Loading projects" aria-busy="true">
      {skeletons.map((key) => (
        <div key={key} className={classes.root} aria-hidden="true">
          <div className={classes.head}>
            <Skeleton height={16} width="45%" />
          </div>
          <div className={classes.description}>
            <Skeleton height={11} mt={6} />
            <Skeleton height={11} mt={8} width="70%" />
          </div>
          <div className={classes.status}>
            <Skeleton height={22} width={84} radius="xl" />
          </div>
          <div className={classes.foot}>
            <Skeleton height={12} width={140} my={2} />
            <Skeleton height={12} width="80%" my={2} />
          </div>
        </div>
      ))}
    </output>
  );
}
