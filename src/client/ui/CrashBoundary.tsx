/** Catches errors that are thrown while a page renders, and shows `CrashPage` instead of an empty window. */

import { Component, type ReactNode } from 'react';

import { CrashPage } from './CrashPage.tsx';

export class CrashBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error: error ?? new Error('A component threw null or undefined.') };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <CrashPage error={this.state.error} />;
  }
}
