/**
 * The messages for ordinary states, in which nothing has failed. The server, the worker and the client all show these
 * texts, so that a project reads the same wherever its state comes from. This file must not import zod: the client loads
 * it on every page.
 */

interface StatusMessage {
  /** What is happening. */
  message: string;
  /** What happens next by itself, or what the owner can do. */
  nextStep: string;
}

export const statusMessages = {
  /** No worker has taken the command yet. */
  queued: {
    message: 'Waiting for a worker to start the pod.',
    nextStep: 'A worker starts it as soon as one is free.',
  },
  /** The cluster has accepted the pod, but the watch has not reported it yet. */
  creating: {
    message: 'The cluster has accepted the request to create the pod.',
    nextStep: 'The pod appears in a moment.',
  },
  /** The old pod must end before its replacement can be created. */
  replacing: {
    message: 'The old pod is stopping.',
    nextStep: 'A new pod starts as soon as the old one is gone.',
  },
  stopping: {
    message: 'The pod is stopping. The files stay on the volume.',
    nextStep: 'The project is stopped as soon as the pod has ended.',
  },
  stopped: {
    message: 'The project is stopped. The files stay on the volume.',
    nextStep: 'Start the project to continue.',
  },
  trashing: {
    message: 'The pod is stopping, and the project moves to the trash. The files stay on the volume.',
    nextStep: 'It is in the trash as soon as the pod has ended.',
  },
  trashed: {
    message: 'The project is in the trash. Its files stay on the volume until it is deleted.',
    nextStep: 'Restore the project to continue.',
  },
  deleting: {
    message: 'The pod and its volume are being deleted.',
    nextStep: 'The project is deleted as soon as the cluster has removed both.',
  },
  archived: {
    message: 'The pod and its volume are gone.',
    nextStep: 'There is nothing left to do.',
  },
} as const satisfies Record<string, StatusMessage>;
