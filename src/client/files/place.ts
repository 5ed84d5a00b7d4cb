/** What the Files tab shows, as the query of its address. Pure functions. */

export type FilesView = 'files' | 'search' | 'changes';

export interface Place {
  view: FilesView;
  file: string | null;
  /** Counted from 1. */
  line: number | null;
}

export function readPlace(params: URLSearchParams): Place {
  const view = params.get('view');
  const line = Number(params.get('line') ?? '');
  return {
    view: view === 'search' || view === 'changes' ? view : 'files',
    file: params.get('file') || null,
    line: Number.isInteger(line) && line > 0 ? line : null,
  };
}

/** The query of a place. The usual view has no parameter. */
export function writePlace({ view, file, line }: Place): Record<string, string> {
  return {
    ...(view !== 'files' && { view }),
    ...(file !== null && { file }),
    ...(file !== null && line !== null && { line: String(line) }),
  };
}
