/** Paths below the folder of a project: "src/main.ts". The empty path is the folder itself. Pure functions. */

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The folder that holds the path; the empty path for entries of the project's folder. */
export const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** The folders above a path, outermost first, without the project's folder. */
export function foldersAbove(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}

/** Whether the path is the entry itself or lies in it. */
export const isAtOrIn = (path: string, entry: string): boolean =>
  entry === '' || path === entry || path.startsWith(`${entry}/`);

/** Where a path is after `from` was moved to `to`. */
export const movedPath = (path: string, from: string, to: string): string =>
  isAtOrIn(path, from) ? to + path.slice(from.length) : path;

/** Says what is wrong with a path that a person typed, or returns `null`. The server checks it again. */
export function problemOfPath(path: string): string | null {
  if (path.trim() === '') return 'Enter a name.';
  if (path.includes('\0')) return 'Remove the characters that no file name can have.';
  if (path.startsWith('/') || path.endsWith('/') || path.includes('//')) {
    return 'Write a slash only between names, such as in “src/main.ts”.';
  }
  if (path.split('/').some((name) => name === '.' || name === '..')) return 'Use names other than “.” and “..”.';
  return null;
}

/** A name for a copy that no entry of the folder has: "main copy.ts", "main copy 2.ts". */
export function nameOfCopy(name: string, taken: ReadonlySet<string>): string {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let number = 1; ; number += 1) {
    const copy = `${stem} copy${number === 1 ? '' : ` ${number}`}${extension}`;
    if (!taken.has(copy)) return copy;
  }
}
