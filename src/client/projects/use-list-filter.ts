/** The filter of the list of projects. It is stored in the address, so that it can be bookmarked and shared. */

import { useSearchParams } from 'react-router';

import type { ProjectSort } from '../../shared/contract/project.ts';
import type { ProjectStatus } from '../../shared/contract/states.ts';
import type { ListFilter } from '../api/merge-projects.ts';

/** The statuses to filter by, with the labels of their badges. */
export const statusChoices = [
  { value: 'ready', label: 'Running' },
  { value: 'initializing', label: 'Starting' },
  { value: 'stopping', label: 'Stopping' },
  { value: 'stopped', label: 'Stopped' },
  { value: 'error', label: 'Error' },
  { value: 'deleting', label: 'Deleting' },
] as const satisfies { value: ProjectStatus; label: string }[];

/** Stands beside the statuses, although it is none: a project in the trash has a status too. */
export const trashChoice = { value: 'trash', label: 'In the trash' } as const;

export interface ListFilterChange {
  search?: string;
  /** An empty text means any status. */
  status?: string;
  sort?: ProjectSort;
}

export function useListFilter() {
  const [params, setParams] = useSearchParams();
  const search = (params.get('q') ?? '').trim().slice(0, 100);
  const status = statusChoices.find(({ value }) => value === params.get('status'))?.value;
  const inTrash = params.get('status') === trashChoice.value;
  const sort: ProjectSort = params.get('sort') === 'name' ? 'name' : 'createdAt';
  const filter: ListFilter = {
    ...(search === '' ? {} : { search }),
    ...(status === undefined ? {} : { status }),
    ...(inTrash ? { inTrash } : {}),
    sort,
  };

  function change({ search: q, status: newStatus, sort: newSort }: ListFilterChange): void {
    setParams(
      (current) => {
        const changed = new URLSearchParams(current);
        if (q !== undefined) setOrDelete(changed, 'q', q.trim());
        if (newStatus !== undefined) setOrDelete(changed, 'status', newStatus);
        if (newSort !== undefined) setOrDelete(changed, 'sort', newSort === 'name' ? 'name' : '');
        return changed;
      },
      { replace: true },
    );
  }

  return { filter, narrowed: search !== '' || status !== undefined || inTrash, change };
}

function setOrDelete(params: URLSearchParams, name: string, text: string): void {
  if (text === '') params.delete(name);
  else params.set(name, text);
}
