import type { ChosenFile } from './dropped-files.ts';

/** Opens the file chooser of the browser. Returns nothing when the person cancels it. */
export function chooseFiles(): Promise<ChosenFile[]> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.addEventListener('change', () =>
      resolve(Array.from(input.files ?? [], (file) => ({ path: file.name, file }))),
    );
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}
