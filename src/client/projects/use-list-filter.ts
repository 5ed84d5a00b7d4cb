import { useSearchParams } from 'react-router';

import type { ProjectSort } from '../../shared/contract/project.ts';
import type { ProjectStatus } from '../../shared/contract/states.ts';
import type { ListFilter } from '../api/merge-projects.ts';

/** The states that a list can be narrowed to, in the words of the badges. */
export const statusChoices = [
  { value: 'ready', label: 'Running' },
  { value: 'initializing', label: 'Starting' },
  { value: 'stopping', label: 'Stopping' },
  { value: 'stopped', label: 'Stopped' },
  { value: 'error', label: 'Error' },
  { value: 'deleting', label: 'Deleting' },
] as const satisfies { value: ProjectStatus; label: string }[];

export interface ListFilterChange {
  search?: string;
  /** Empty: any status. */
  status?: string;
  sort?: ProjectSort;
}

/** What the list shows is in the address: it can be kept, shared and gone back to. */
export function useListFilter() {
  const [params, setParams] = useSearchParams();
  const search = (params.get('q') ?? '').trim().slice(0, 100);
  const status = statusChoices.find(({ value }) => value === params.get('status'))?.value;
  const sort: ProjectSort = params.get('sort') === 'name' ? 'name' : 'createdAt';
  const filter: ListFilter = {
    ...(search === '' ? {} : { search }),
    ...(status === undefined ? {} : { status }),
    sort,
  };

  function change({ search: q, status: nextStatus, sort: nextSort }: ListFilterChange): void {
    setParams(
      (current) => {
        const next = new URLSearchParams(current);
        if (q !== undefined) setOrDelete(next, 'q', q.trim());
        if (nextStatus !== undefined) setOrDelete(next, 'status', nextStatus);
        if (nextSort !== undefined) setOrDelete(next, 'sort', nextSort === 'name' ? 'name' : '');
        return next;
      },
      { replace: true },
    );
  }

  return { filter, narrowed: search !== '' || status !== undefined, change };
}

function setOrDelete(params: URLSearchParams, name: string, text: string): void {
  if (text === '') params.delete(name);
  else params.set(name, text);
}
