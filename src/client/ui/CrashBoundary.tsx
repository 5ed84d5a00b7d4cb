import { Component, type ReactNode } from 'react';

import { CrashPage } from './CrashPage.tsx';

/** Catches what a page did not expect while it was drawn, and says so instead of leaving a blank window. */
export class CrashBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error: error ?? new Error('Something was thrown that is no error.') };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <CrashPage error={this.state.error} />;
  }
}
