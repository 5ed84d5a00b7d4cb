import { Suspense } from 'react';

import { lazyPart } from '../ui/lazy-part.ts';
import { useLazyMenu } from '../ui/use-lazy-menu.ts';
import { ProjectMenuButton, type ProjectMenuProps } from './ProjectMenuButton.tsx';

const load = () => import('./ProjectMenuOpen.tsx');
const ProjectMenuOpen = lazyPart(async () => (await load()).ProjectMenuOpen);

/** Everything that can be done with a project; what cannot be done now says why. */
export function ProjectMenu(props: ProjectMenuProps) {
  const { needed, menu, trigger } = useLazyMenu(load);
  const plain = <ProjectMenuButton project={props.project} {...trigger} />;
  if (!needed) return plain;
  return (
    <Suspense fallback={plain}>
      <ProjectMenuOpen {...props} {...menu} />
    </Suspense>
  );
}
