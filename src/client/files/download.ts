/** The addresses of files for the browser itself. The session cookie of the page lets it in. */

export const contentUrl = (projectId: string, path: string): string =>
  `/files/${projectId}/content?${new URLSearchParams({ path }).toString()}`;

/** A folder is downloaded as an archive. */
export const downloadUrl = (projectId: string, path: string, isFolder: boolean): string =>
  isFolder ? `/files/${projectId}/archive?${new URLSearchParams({ path }).toString()}` : contentUrl(projectId, path);
