import { describe, expect, it } from 'vitest';

import { kubernetesPodSchema } from '../kube/kubernetes-pod.ts';
import { diagnosePod } from './diagnose-pod.ts';

/** Texts of container runtimes that were found in public reports, with the causes that may be named. */
const reported: [reasons: string[], waiting: string, text: string, says: RegExp][] = [
  [
    ['start-error'],
    'RunContainerError',
    'OCI runtime create failed: runc create failed: unable to start container process: error during container init: open sysctl net.ipv4.ip_unprivileged_port_start file: reopen fd 8: permission denied',
    /reports/,
  ],
  [
    ['start-error'],
    'RunContainerError',
    'OCI runtime create failed: container_linux.go:367: starting container process caused: exec: "/bin/bash": stat /bin/bash: no such file or directory: unknown',
    /\/bin\/bash/,
  ],
  [
    ['start-error'],
    'RunContainerError',
    "OCI runtime create failed: exec: 'curl': executable file not found in $PATH",
    /command/,
  ],
  [
    ['start-error'],
    'RunContainerError',
    'OCI runtime create failed: runc create failed: unable to start container process: error during container init: error jailing process inside rootfs: pivot_root .: invalid argument: unknown',
    /reports/,
  ],
  [
    ['start-error'],
    'RunContainerError',
    'OCI runtime create failed: container_linux.go:345: starting container process caused "process_linux.go:303: getting the final child\'s pid from pipe caused \\"EOF\\"": unknown',
    /reports/,
  ],
  [
    ['start-error', 'create-container-error'],
    'RunContainerError',
    'OCI runtime create failed: container_linux.go:348: starting container process caused "process_linux.go:279: applying cgroup configuration for process caused \\"mkdir /sys/fs/cgroup/memory/kubepods/burstable/pod79fe803c/b98d4aea818b: no space left on device\\"": unknown',
    /reports|control groups/,
  ],
  [
    ['start-error'],
    'RunContainerError',
    'failed to create containerd container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error setting cgroup config for procHooks process: failed to write "200000": write /sys/fs/cgroup/cpu/kubepods/burstable/x/cpu.cfs_quota_us: invalid argument',
    /reports/,
  ],
  [
    ['image-user'],
    'CreateContainerError',
    'failed to create containerd container: mount callback failed on /var/lib/containerd/tmpmounts/containerd-mount1838393416: no users found',
    /user/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to create containerd container: get apparmor_parser version: exec: "apparmor_parser": executable file not found in $PATH',
    /AppArmor/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to create containerd container: mount callback failed on /var/lib/containerd/tmpmounts/containerd-mount123: openat etc/passwd: path escapes from parent',
    /reports/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to create containerd container: error unpacking image: failed to extract layer sha256:aaaa: failed to get reader from content store: content digest sha256:bbbb: not found',
    /lost a part/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to create containerd container: taking runtime copy of volume: failed to copy xattrs: failed to get xattr "system.trim_acl" on /tmp/ctd-volume1/data: operation not supported',
    /reports/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to create containerd container: create instance 105: object with key "105" already exists: unknown',
    /reports/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to create containerd container: parent snapshot sha256:5e274030 does not exist: not found',
    /lost a part/,
  ],
  [
    ['start-error'],
    'CreateContainerError',
    'container create failed: time="2023-05-06T15:13:42Z" level=error msg="runc create failed: unable to start container process: exec /deployments/run-java.sh: permission denied"',
    /run-java\.sh/,
  ],
  [
    ['create-container-error', 'image-user'],
    'CreateContainerError',
    'container create failed: container_linux.go:344: starting container process caused "setup user: invalid argument"',
    /reports|user/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'container create failed: time="2024-09-26T09:22:02Z" level=error msg="runc create failed: unable to start container process: error during container init: error running hook #0: error running hook: exit status 1, stdout: , stderr: nvidia-container-cli.real: initialization error: driver rpc error: timed out"',
    /device/,
  ],
  [['out-of-memory'], 'CreateContainerError', 'container create failed: clone: Cannot allocate memory', /memory/],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to generate container "1bda12fbfcb4d2c319c423251f9d25fde0b18fdc91c3c66697e6f8098a963e00" spec: failed to generate spec: failed to mkdir "/data": mkdir /data: read-only file system',
    /reports|mounted/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to generate container "e8ad" spec: failed to generate spec: path "/" is mounted on "/" but it is not a shared or slave mount',
    /mounted/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to generate container "b2af" spec: failed to apply OCI options: failed to mkdir "": mkdir : no such file or directory',
    /reports|mounted/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to generate container "ab9e" spec: failed to generate spec: failed to stat "/var/lib/kubelet/pods/c11a77ea-4ec8-4190-ae5b-19d631bf9121/volumes/kubernetes.io~csi/fuse-csi-ephemeral/mount": stat /var/lib/kubelet/pods/c11a77ea-4ec8-4190-ae5b-19d631bf9121/volumes/kubernetes.io~csi/fuse-csi-ephemeral/mount: transport endpoint is not connected',
    /reports|mounted/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to generate container "ab9e" spec: failed to generate spec: failed to stat "/var/lib/kubelet/pods/c11a/volumes/x/mount": stat /var/lib/kubelet/pods/c11a/volumes/x/mount: no such file or directory',
    /reports|mounted/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'failed to generate container "a65d" spec: failed to generate spec: failed to mkdir "/var/lib/calico": mkdir /var/lib/calico: file exists',
    /reports|mounted/,
  ],
  [
    ['start-error'],
    'CreateContainerError',
    'failed to generate container "be37" spec: failed to apply OCI options: no command specified',
    /command/,
  ],
  [['start-error'], 'RunContainerError', 'crun: error creating new namespace: operation not permitted', /reports/],
  [
    ['start-error'],
    'RunContainerError',
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "kube-controller-manegaar": executable file not found in $PATH: unknown',
    /kube-controller-manegaar/,
  ],

  [
    ['create-container-error'],
    'CreateContainerError',
    'Error response from daemon: Conflict. The container name "/k8s_kube-apiserver_kube-apiserver-pi-master1_kube-system_1403_24" is already in use by container "eced8537863007db9a915924785306b26238cabbd3feec0e5226e2ad0710807b". You have to remove (or rename) that container to be able to reuse that name.',
    /first attempt/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'error mounting "/etc/kubernetes/scheduler.conf": no such file or directory',
    /mounted/,
  ],
  [['create-container-error'], 'CreateContainerError', 'mkdir /etc/systemd: read-only file system', /reports/],
  [
    ['start-error'],
    'RunContainerError',
    'failed to start container "21c865364925": Error response from daemon: linux spec capabilities: Unknown capability to add: "CAP_CAP_SYS_RESOURCE"',
    /reports/,
  ],
  [
    ['start-error'],
    'RunContainerError',
    'oci runtime error: container_linux.go:235: starting container process caused "exec: \\"/abc\\": stat /abc: no such file or directory"',
    /\/abc/,
  ],
  [
    ['create-container-error'],
    'RunContainerError',
    'OCI runtime create failed: container_linux.go:346: starting container process caused "process_linux.go:449: container init caused \\"rootfs_linux.go:58: mounting \\\\\\"/var/lib/kubelet/pods/x\\\\\\" to rootfs caused \\\\\\"not a directory\\\\\\"\\"": unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type',
    /mounted/,
  ],
  [
    ['create-container-error'],
    'CreateContainerError',
    'ImageVolumeMountFailed: failed to mount image volume: snapshot is busy',
    /image of a volume/,
  ],
  [
    ['create-container-error'],
    'RunContainerError',
    'failed to create containerd task: failed to start shim: exec: "containerd-shim-runsc-v1": executable file not found in $PATH',
    /its node .* runtime/,
  ],
  [
    ['create-container-error'],
    'RROUnsupported',
    'the runtime handler does not support recursive read-only mounts',
    /reports/,
  ],
];

/** Reasons and messages with which nodes refused pods, found in public reports. */
const refused: [reasons: string[], reason: string, message: string, says: RegExp][] = [
  [
    ['node-refused'],
    'UnexpectedAdmissionError',
    'Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 2, Available: 0, which is unexpected',
    /device/,
  ],
  [
    ['node-refused'],
    'OutOfpods',
    "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110",
    /maximum/,
  ],
  [['node-pressure'], 'Evicted', 'Pod was rejected: The node had condition: [DiskPressure]. ', /disk/],
  [
    ['node-refused'],
    'NodeAffinity',
    "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    /labels/,
  ],
  [
    ['node-refused'],
    'UnexpectedAdmissionError',
    'Pod Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: pods, q: 1), ]',
    /reports/,
  ],

  [
    ['node-pressure'],
    'Evicted',
    'The node was low on resource: memory. Container memory-bomb-container was using 2890108Ki, which exceeds its request of 2000Mi.',
    /short of memory/,
  ],
  [['node-pressure'], 'Evicted', 'The node had condition: [MemoryPressure]. ', /short of memory/],
  [['node-pressure'], 'Evicted', 'The node was low on resource: [DiskPressure]. ', /short of disk/],
];

const diagnose = (status: object) =>
  diagnosePod({
    pod: kubernetesPodSchema.parse({
      metadata: {
        name: 'p',
        namespace: 'n',
        uid: 'u',
        resourceVersion: '1',
        creationTimestamp: '2026-01-01T10:00:00Z',
      },
      spec: { nodeName: 'node-1', containers: [{ name: 'opencode-server', image: 'registry.example.com/app:1' }] },
      status,
    }),
    events: [],
    claim: null,
    now: Date.parse('2026-01-01T10:01:00Z'),
  });

describe('a container that the runtime cannot start', () => {
  it.each(reported)('has one of the causes %j, with %s: %s', (reasons, reason, message, says) => {
    const containerStatuses = [{ name: 'opencode-server', state: { waiting: { reason, message } } }];
    const diagnosis = diagnose({ phase: 'Pending', containerStatuses });
    expect(reasons).toContain(diagnosis.reason);
    expect(diagnosis.message).toMatch(says);
  });
});

describe('a pod that its node refuses', () => {
  it.each(refused)('has one of the causes %j, with %s: %s', (reasons, reason, message, says) => {
    const diagnosis = diagnose({ phase: 'Failed', reason, message });
    expect(reasons).toContain(diagnosis.reason);
    expect(diagnosis.message).toMatch(says);
  });
});
