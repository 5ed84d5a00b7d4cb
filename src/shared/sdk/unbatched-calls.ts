/** The calls that travel alone. */

/** The text of a file may be larger than a whole batch. A poll waits for seconds, and other calls must not wait with it. */
const paths = new Set(['files.write', 'projects.poll']);

export const isUnbatched = ({ path }: { path: string }): boolean => paths.has(path);
