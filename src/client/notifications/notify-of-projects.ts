/** Shows a notification of the browser when a project needs its owner while nobody looks at the page. */

import type { Project } from '../../shared/contract/project.ts';
import type { ProjectCache } from '../api/project-cache.ts';
import { newsOf, type News } from './project-news.ts';

/** @returns a function that ends it */
export function notifyOfProjects(cache: Pick<ProjectCache, 'all' | 'onNewest'>, onOpen: (path: string) => void) {
  const byId = () => new Map<string, Project>(cache.all().map((project) => [project.id, project]));
  let known = byId();
  return cache.onNewest(() => {
    const before = known;
    known = byId();
    if (document.visibilityState === 'visible') return;
    for (const [id, project] of known) {
      if (project === before.get(id)) continue;
      const news = newsOf(before.get(id), project);
      if (news !== null) showNotification(news, onOpen);
    }
  });
}

export function showNotification({ title, body, tag, path }: News, onOpen: (path: string) => void): void {
  // Some browsers of phones have the class and refuse to create one.
  try {
    const notification = new Notification(title, { body, tag, icon: '/favicon.svg' });
    notification.addEventListener('click', () => {
      window.focus();
      onOpen(path);
      notification.close();
    });
  } catch {
    // The page shows the same when somebody looks at it.
  }
}
