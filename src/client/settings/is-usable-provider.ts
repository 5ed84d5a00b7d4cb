/** Whether projects of this person can use a model provider: the installation or the person has a key for it. */

import type { ModelProvider } from '../../shared/contract/models.ts';

export function isUsable({
  ownKey,
  hasInstallationKey,
}: Pick<ModelProvider, 'ownKey' | 'hasInstallationKey'>): boolean {
  return hasInstallationKey || ownKey?.isReadable === true;
}
