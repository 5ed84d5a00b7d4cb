/** Listens for the keyboard shortcuts on every page, and renders the dialogs that they open: the palette and the key list. */

import { Suspense, useEffect, useEffectEvent, useState } from 'react';
import { useMatch, useNavigate } from 'react-router';

import { useApp } from '../app-context.ts';
import { openInNewTab } from '../projects/open-project.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { useOnceTrue } from '../ui/use-once-true.ts';
import { createShortcutReader, takesLetters, type ShortcutAction } from './shortcuts.ts';
import { areSingleKeysOn } from './single-keys.ts';

const Palette = lazyPart(async () => (await import('./Palette.tsx')).Palette);
const ShortcutSheet = lazyPart(async () => (await import('./ShortcutSheet.tsx')).ShortcutSheet);

interface ShortcutsProps {
  paletteOpened: boolean;
  onPalette: (opened: boolean) => void;
}

export function Shortcuts({ paletteOpened, onPalette }: ShortcutsProps) {
  const { clock } = useApp();
  const navigate = useNavigate();
  const currentId = useMatch('/projects/:projectId/*')?.params.projectId;
  const [helpOpened, setHelpOpened] = useState(false);
  const needsPalette = useOnceTrue(paletteOpened);
  const needsHelp = useOnceTrue(helpOpened);

  const act = useEffectEvent((action: ShortcutAction): void => {
    switch (action) {
      case 'palette':
        onPalette(!paletteOpened);
        break;
      case 'help':
        setHelpOpened(true);
        break;
      case 'search':
        void focusSearch(navigate);
        break;
      case 'new-project':
        void navigate('/projects?new');
        break;
      case 'open': {
        const projectId = currentId ?? focusedProjectId();
        if (projectId !== undefined) openInNewTab(projectId);
        break;
      }
      case 'go-projects':
        void navigate('/projects');
        break;
      case 'go-settings':
        void navigate('/settings/profile');
        break;
    }
  });

  useEffect(() => {
    const read = createShortcutReader({ clock });
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const action = read(event, { singleKeys: areSingleKeysOn() && !takesLetters(event.target) });
      if (action === null) return;
      event.preventDefault();
      act(action);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [clock]);

  return (
    <Suspense>
      {needsPalette && (
        <Palette opened={paletteOpened} onClose={() => onPalette(false)} onHelp={() => setHelpOpened(true)} />
      )}
      {needsHelp && <ShortcutSheet opened={helpOpened} onClose={() => setHelpOpened(false)} />}
    </Suspense>
  );
}

/** Focuses the search field of the projects page. Opens that page first when another one is shown. */
async function focusSearch(navigate: (to: string) => void | Promise<void>): Promise<void> {
  if (searchField() === null) {
    await navigate('/projects');
    // The layout moves the focus to the start of a new page. The search field must take it after that.
    await new Promise(requestAnimationFrame);
  }
  searchField()?.focus();
}

/** The project of the card that has the focus. */
const focusedProjectId = () => document.activeElement?.closest<HTMLElement>('[data-project-id]')?.dataset['projectId'];

const searchField = () => document.querySelector<HTMLElement>('input[type="search"]');
