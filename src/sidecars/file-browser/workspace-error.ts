/** The errors of the file browser: a sentence for people, and the HTTP status that goes with it. */

export type WorkspaceStatus = 400 | 403 | 404 | 405 | 409 | 413 | 429 | 507;

export class WorkspaceError extends Error {
  readonly status: WorkspaceStatus;

  constructor(status: WorkspaceStatus, message: string) {
    super(message);
    this.status = status;
  }
}

export const notFound = (path: string) => new WorkspaceError(404, `There is no “${path}” in the project.`);
export const leadsOut = (path: string) => new WorkspaceError(403, `“${path}” leads out of the project.`);
export const existsAlready = (path: string) => new WorkspaceError(409, `There is already a “${path}”.`);

/** What an error of the file system means for this path. Other errors are thrown. */
export function workspaceErrorOf(error: unknown, path: string): WorkspaceError {
  if (error instanceof WorkspaceError) return error;
  switch (codeOf(error)) {
    case 'ENOENT':
      return notFound(path);
    case 'ENAMETOOLONG':
      return new WorkspaceError(400, `The name “${path.slice(0, 40)}…” is too long for the file system.`);
    case 'ENOTDIR':
      return new WorkspaceError(400, `“${path}” is not a folder.`);
    case 'EISDIR':
      return new WorkspaceError(400, `“${path}” is a folder.`);
    case 'EINVAL':
      return new WorkspaceError(400, `“${path}” cannot be used here.`);
    case 'ELOOP':
      return new WorkspaceError(400, `“${path}” is a link that cannot be followed.`);
    case 'ENXIO':
    case 'ENODEV':
      return new WorkspaceError(400, `“${path}” is not a file that can be read.`);
    case 'EEXIST':
    case 'ENOTEMPTY':
      return existsAlready(path);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new WorkspaceError(403, `The file system does not allow this for “${path}”.`);
    case 'ENOSPC':
    case 'EDQUOT':
      return new WorkspaceError(507, 'The volume of the project is full. Delete files, then try again.');
    default:
      throw error;
  }
}

export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}

/** Runs `task`, and gives errors of the file system their meaning for this path. */
export async function withPath<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw workspaceErrorOf(error, path);
  }
}
