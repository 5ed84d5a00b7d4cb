/** The limits of files. The file browser uses them too, whose image has no packages: this module imports nothing. */

/** The largest text that can be edited, in bytes of UTF-8. Larger files can be read in parts and downloaded. */
export const maxEditableBytes = 5 * 1024 * 1024;
/** How many bytes of a file one call returns. */
export const maxReadBytes = 1024 * 1024;
/** Entries of one page of a folder. */
export const maxEntriesPerPage = 2_000;
/** Matches of one search. */
export const maxMatches = 200;
/** Folders and files that one subscription watches, each. */
export const maxWatchedPaths = 300;
/** Bytes of one part of an upload. */
export const maxUploadPartBytes = 512 * 1024;
/** Bytes of one uploaded file. */
export const maxUploadBytes = 512 * 1024 * 1024;
/** No path of a file system is longer. */
export const maxPathLength = 4_096;

/** What to say about an answer to an upload that is not the server's own, but that of a proxy in front of it. */
export function messageOfProxy(status: number): string {
  if (status !== 413) return `The server answered ${status}. Try again in a few seconds.`;
  const needed = `${Math.ceil(maxUploadPartBytes / 1024 / 1024)} MiB`;
  return `A proxy in front of the server refuses a part of the file as too large (413). An administrator has to let the proxy pass requests of ${needed}.`;
}
