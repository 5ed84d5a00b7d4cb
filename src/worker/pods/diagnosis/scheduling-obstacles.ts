/**
 * What keeps nodes from taking a pod: reads the scheduler's message clause by clause. The message is built by `FitError` in
 * pkg/scheduler/framework/types.go: "0/5 nodes are available: 2 Insufficient cpu, 3 node(s) …. preemption: …". Each clause
 * is a number of nodes and the constant text of one plugin, so the patterns are anchored. Any other clause is quoted.
 */

import { joinWithAnd } from './join-with-and.ts';
import { quoted, withoutNames } from './report-text.ts';

export interface Obstacles {
  /** Why no node fits, for example "too little free CPU (2 of 3), reserved for other work (1 of 3)". */
  text: string;
  /** What an administrator can do, for example "make room or add a node"; `null` when the obstacle ends by itself. */
  action: string | null;
  /** Whether a rule knows one of them. */
  isKnown: boolean;
}

interface Obstacle {
  /** What it says about the nodes that have it. */
  says: string;
  action: string | null;
}

const roomAction = 'make room or add a node';
const repairAction = 'check the nodes that are not ready';
const rulesAction = 'correct the placement rules or the labels of the nodes';
const reservedAction = 'allow the project on the reserved nodes or add others';
const volumeAction = 'make room on a node that can use the volume';

/** NodeResourcesFit: the reason "Insufficient <resource>". */
const resources: Record<string, string> = {
  cpu: 'too little free CPU',
  memory: 'too little free memory',
  'ephemeral-storage': 'too little free disk space for temporary files',
  pods: 'they already run the maximum number of pods',
};

/** By the whole key of a taint, because people choose keys too. Those that Kubernetes and well-known programs set themselves. */
const taints: readonly (readonly [RegExp, Obstacle])[] = [
  // The node lifecycle controller and the cloud: docs/reference/labels-annotations-taints.
  [
    /^node\.kubernetes\.io\/disk-pressure$/,
    { says: 'their disk is nearly full', action: 'free disk space on the nodes' },
  ],
  [/^node\.kubernetes\.io\/memory-pressure$/, { says: 'their memory is nearly full', action: roomAction }],
  [/^node\.kubernetes\.io\/pid-pressure$/, { says: 'they run too many processes', action: roomAction }],
  [/^node\.kubernetes\.io\/unreachable$/, { says: 'the node does not answer', action: repairAction }],
  [/^node\.kubernetes\.io\/out-of-service$/, { says: 'the node is out of service', action: repairAction }],
  [/^node\.kubernetes\.io\/unschedulable$/, maintenance()],
  [/^node\.cloudprovider\.kubernetes\.io\/shutdown$/, { says: 'the node is shut down', action: repairAction }],
  // Agents of networks, storage drivers and clouds that must be ready first. Each has a domain of its own.
  [
    /^[\w.-]+\/(agent-)?(not-ready|unregistered|uninitialized|network-unavailable)$/,
    { says: 'the node is not ready', action: repairAction },
  ],
  [
    /^node-role\.kubernetes\.io\/(control-plane|master)$/,
    { says: 'reserved for the control-plane of the cluster', action: null },
  ],
  // cluster-autoscaler/utils/taints, Karpenter, and the termination handlers of AWS and GKE.
  [
    /^ToBeDeletedByClusterAutoscaler$|^karpenter\.sh\/disrupt(ed|ion)$|^aws-node-termination-handler\/|^cloud\.google\.com\/impending-node-termination$/,
    { says: 'the node is being removed', action: null },
  ],
];

function maintenance(): Obstacle {
  return { says: 'the node accepts no new pods (maintenance)', action: 'end the maintenance or add a node' };
}

/** By the constant text of each plugin in pkg/scheduler/framework/plugins, of today and of earlier versions. */
const clauses: readonly (readonly [RegExp, Obstacle])[] = [
  // noderesources/fit.go
  [/^too many pods$/i, { says: 'they already run the maximum number of pods', action: roomAction }],
  // tainttoleration: today's text does not name the taint.
  [/^node\(s\) had (untolerated )?taints?\(?s?\)?( that the pod didn't tolerate)?$/i, reserved()],
  // nodeunschedulable
  [/^node\(s\) were unschedulable$/i, maintenance()],
  [/^node\(s\) had unknown conditions$/i, { says: 'the node does not report its state', action: repairAction }],
  // nodeaffinity, nodename
  [
    /^node\(s\) didn't match (pod's |the pod's )?(node affinity|node selector)/i,
    { says: 'without the labels that the pod requires', action: rulesAction },
  ],
  [
    /^node\(s\) didn't satisfy plugin\(s\) \[NodeAffinity\]/i,
    { says: 'without the labels that the pod requires', action: rulesAction },
  ],
  [
    /^node\(s\) didn't match scheduler-enforced node affinity/i,
    { says: 'without the labels that the scheduler requires', action: rulesAction },
  ],
  [
    /^node\(s\) didn't match the requested (node name|hostname)/i,
    { says: 'another node is required', action: rulesAction },
  ],
  // interpodaffinity
  [
    /^node\(s\) didn't (match|satisfy) (existing pods |pod )?(anti-)?affinity( rules|\/anti-affinity)?/i,
    { says: 'excluded by the placement rules for pods', action: rulesAction },
  ],
  // podtopologyspread
  [
    /^node\(s\) didn't match pod topology spread constraints( \(missing required label\))?$/i,
    { says: 'excluded by the rule that spreads pods evenly', action: rulesAction },
  ],
  // nodeports
  [/^node\(s\) didn't have free ports/i, { says: 'the ports that the pod requires are in use', action: roomAction }],
  // volumebinding/binder.go, volumezone
  [
    /^node\(s\) (had volume node affinity conflict|didn't match PersistentVolume's node affinity|had no available volume zone)$/i,
    { says: 'the volume can only be used in another zone or on another node', action: volumeAction },
  ],
  [
    /^node\(s\) didn't find available persistent volumes to bind$/i,
    { says: 'no free volume fits', action: 'provide a volume that fits' },
  ],
  [
    /^node\(s\) did not have enough free storage$/i,
    { says: 'the storage has too little free space', action: 'free or add storage' },
  ],
  // nodevolumelimits/csi.go
  [
    /^node\(s\) exceed max volume count$/i,
    { says: 'they already have the maximum number of volumes', action: roomAction },
  ],
  [
    /^node\(s\) (have no|did not have|missing) .*csi(node| driver)/i,
    { says: 'the storage driver does not run there', action: 'check the storage driver of the nodes' },
  ],
  // nodevolumelimits/csi.go since Kubernetes 1.35: "<driver> CSI driver is not installed on the node".
  [
    /^(\S+ )?CSI driver is not installed on the node$/i,
    { says: 'the storage driver does not run there', action: 'check the storage driver of the nodes' },
  ],
  // volumerestrictions
  [
    /^node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode$/i,
    { says: 'another pod still uses the volume, and only one may use it at a time', action: 'end the other pod' },
  ],
  [/^node\(s\) had no available disk$/i, { says: 'another pod still uses the disk', action: 'end the other pod' }],
  // dynamicresources
  [
    /^(cannot allocate all claims|resourceclaim not available on the node)$/i,
    { says: 'the devices that the pod requires are not free', action: 'free or add such devices' },
  ],
];

function reserved(): Obstacle {
  return { says: 'reserved for other work', action: reservedAction };
}

/** What follows the clauses, from the plugins that run when no node fits. It is about other pods and repeats the nodes. */
const afterwards = /\s*\b(preemption:|no new claims to deallocate|still not schedulable)/;
const header = /\b(\d+)\/(\d+) nodes are (?:un)?available(?::|,|\.|$)\s*/;

export function hasNoNodes(schedulerMessage: string): boolean {
  return /^no nodes available to schedule pods/i.test(schedulerMessage) || schedulerMessage.startsWith('0/0 nodes are');
}

/** The obstacles that the scheduler reports. */
export function obstaclesOf(schedulerMessage: string): Obstacles {
  if (hasNoNodes(schedulerMessage)) return { text: 'the cluster has no nodes', action: 'add a node', isKnown: true };
  const [beforePreemption = ''] = schedulerMessage.split(afterwards);
  const match = header.exec(beforePreemption);
  const total = match?.[2] ?? null;
  const rest = match ? beforePreemption.slice(match.index + match[0].length) : beforePreemption;
  // Other schedulers write sentences of their own.
  return match ? describe(clausesIn(rest), total) : describe([{ count: null, reason: rest }], null);
}

/** The obstacles in "2 Insufficient cpu, 1 max node group size reached", where the numbers count groups of nodes. */
export function obstaclesOfGroups(text: string, known: readonly (readonly [RegExp, Obstacle])[]): Obstacles {
  return describe(clausesIn(text), null, known);
}

interface Clause {
  /** How many nodes; `null` when the clause is about the pod, as those of plugins that run before the nodes are tried. */
  count: string | null;
  reason: string;
}

function clausesIn(text: string): Clause[] {
  // Each clause begins with its number. The name of a taint may contain a comma.
  const parts = text.replace(/[\s.]+$/, '').split(/,\s+(?=\d+ )/);
  return parts.flatMap((part) => {
    const [, count = null, reason = ''] = /^(?:(\d+) )?([^]*)$/.exec(part.trim()) ?? [];
    return reason === '' ? [] : [{ count, reason }];
  });
}

function describe(
  found: Clause[],
  total: string | null,
  known: readonly (readonly [RegExp, Obstacle])[] = [],
): Obstacles {
  const counts = new Map<string, number>();
  const actions = new Set<string>();
  let isKnown = false;
  for (const { count, reason } of found) {
    const obstacle = obstacleOf(reason, known);
    const { says, action } = obstacle ?? { says: quotedClause(reason), action: null };
    isKnown ||= obstacle !== null;
    // Two clauses may say the same, as two taints do. Without a number of nodes the obstacle is the pod's.
    counts.set(says, (counts.get(says) ?? 0) + (count === null ? Number.NaN : Number(count)));
    if (action !== null) actions.add(action);
  }
  const parts = [...counts].map(([says, count]) =>
    Number.isNaN(count) || total === null ? says : `${says} (${Math.min(count, Number(total))} of ${total})`,
  );
  return {
    text: joinWithAnd(parts),
    action: proposal([...actions]),
    isKnown,
  };
}

/** At most two proposals, in the order of the message. Reserved nodes are meant to stay so when anything else helps. */
function proposal(actions: string[]): string | null {
  const better = actions.filter((action) => action !== reservedAction);
  const [first, second] = better.length > 0 ? better : actions;
  if (first === undefined) return null;
  return second === undefined ? first : `${first}, or ${second}`;
}

function obstacleOf(reason: string, known: readonly (readonly [RegExp, Obstacle])[]): Obstacle | null {
  const resource = /^insufficient ([\w.\-/]+)$/i.exec(reason)?.[1];
  const says = resource === undefined ? undefined : describeResource(resource);
  if (says !== undefined) return { says, action: roomAction };
  const taint = /^node\(s\) had (?:untolerated )?taint \{([^}]*)\}(?:, that the pod didn't tolerate)?$/i.exec(
    reason,
  )?.[1];
  if (taint !== undefined) return taintObstacle(taint);
  const plain = withoutNames(reason);
  const match = [...known, ...clauses].find(([pattern]) => pattern.test(plain) || pattern.test(reason));
  return match?.[1] ?? null;
}

/** For example 'Kubernetes reports "didn't match the rack"'. */
export function quotedClause(text: string): string {
  const sentence = quoted(text.replace(/^node\(s\) /, ''), 'Kubernetes reports');
  return sentence === '' ? 'Kubernetes does not say why' : sentence.replace(': "', ' "').replace(/\.$/, '');
}

/** Other resources have a domain, as in "nvidia.com/gpu". Anything else is no name of a resource, and is quoted. */
function describeResource(name: string): string | undefined {
  const known = resources[name.toLowerCase()];
  if (known !== undefined) return known;
  const isName = /^[a-z0-9.-]+\.[a-z]+\/[\w.-]+$|^hugepages-\w+$|^attachable-volumes-[\w-]+$/.test(name);
  return isName ? `too little free ${name}` : undefined;
}

/** @param taint for example "dedicated: gpu" */
function taintObstacle(taint: string): Obstacle {
  const key = (/^([^:=]*)/.exec(taint)?.[1] ?? '').trim();
  const known = taints.find(([pattern]) => pattern.test(key));
  if (known) return known[1];
  return { says: `reserved for other work${key === '' ? '' : ` (taint ${key})`}`, action: reservedAction };
}
