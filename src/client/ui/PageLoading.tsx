import { Loader } from '@mantine/core';

import classes from './page-loading.module.css';

/** Stands in while a page or the person's identity is on its way; shows itself only when that takes a while. */
export function PageLoading() {
  return (
    <output className={classes.root} aria-label="Loading">
      <Loader size="sm" color="gray" />
    </output>
  );
}
