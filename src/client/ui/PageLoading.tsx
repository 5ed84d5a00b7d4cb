/** A spinner while a page or the signed-in user is loading. CSS shows it only after a delay. */

import { Loader } from '@mantine/core';

import classes from './page-loading.module.css';

export function PageLoading() {
  return (
    <output className={classes.root} aria-label="Loading">
      <Loader size="sm" color="gray" />
    </output>
  );
}
