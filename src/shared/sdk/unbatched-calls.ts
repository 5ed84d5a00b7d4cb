/** The calls that travel alone. */

/** The texts of files and configurations may be larger than a whole batch. The others may take seconds, and the answers of a batch arrive together. */
const paths = new Set([
  'files.write',
  'files.search',
  'files.gitStatus',
  'files.unsaved',
  'files.gitDiff',
  'projects.poll',
  'config.get',
  'config.save',
]);

export const isUnbatched = ({ path }: { path: string }): boolean => paths.has(path);
