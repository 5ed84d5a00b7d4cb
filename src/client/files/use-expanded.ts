/** The expanded folders of a project, kept in the session storage of the window. */

import { useSessionStorage } from '@mantine/hooks';
import { useMemo } from 'react';

import { foldersAbove, isAtOrIn, movedPath } from './paths.ts';

export function useExpanded(projectId: string) {
  const [paths, setPaths] = useSessionStorage<string[]>({
    key: `expanded-folders:${projectId}`,
    defaultValue: [],
    getInitialValueInEffect: false,
    deserialize: readPaths,
  });
  const expanded = useMemo(() => new Set(paths), [paths]);
  return {
    expanded,
    setExpanded: (path: string, isExpanded: boolean) =>
      setPaths((before) => (isExpanded ? [...new Set([...before, path])] : before.filter((each) => each !== path))),
    /** Expands the folders above a path. */
    reveal: (path: string) =>
      setPaths((before) => {
        const missing = foldersAbove(path).filter((folder) => !before.includes(folder));
        return missing.length === 0 ? before : [...before, ...missing];
      }),
    collapseAll: () => setPaths([]),
    move: (from: string, to: string) => setPaths((before) => before.map((path) => movedPath(path, from, to))),
    remove: (path: string) => setPaths((before) => before.filter((each) => !isAtOrIn(each, path))),
  };
}

export type Expanded = ReturnType<typeof useExpanded>;

/** Anything could have been written under the key by hand. */
function readPaths(text: string | undefined): string[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter((path) => typeof path === 'string') : [];
  } catch {
    return [];
  }
}
