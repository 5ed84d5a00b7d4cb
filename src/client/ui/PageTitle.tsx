/** Sets the title of the browser window. */

export function PageTitle({ children }: { children: string }) {
  return <title>{`${children} · OpenCode Project Manager`}</title>;
}
