/**
 * The types (not the values) of the fields that this API reads. A body with a wrong type is refused with 400, as by the
 * decoder of the real API. Fields that are not named here are kept as they are.
 */

import { z } from 'zod';

import { parseQuantity, quantityRule } from './quantity.ts';

const text = z.string();
const texts = z.record(z.string(), z.string());
const wholeNumber = z.int();
const intOrText = z.union([z.int(), z.string()]);
const quantity = z.union([z.string(), z.number()]).refine((value) => parseQuantity(value) !== undefined, quantityRule);
const quantities = z.record(z.string(), quantity);

const metadata = z.looseObject({
  name: text.optional(),
  generateName: text.optional(),
  namespace: text.optional(),
  uid: text.optional(),
  resourceVersion: text.optional(),
  labels: texts.optional(),
  annotations: texts.optional(),
  finalizers: z.array(text).optional(),
});

const resources = z.looseObject({ limits: quantities.optional(), requests: quantities.optional() });

const probe = z.looseObject({
  httpGet: z.looseObject({ path: text.optional(), port: intOrText, scheme: text.optional() }).optional(),
  tcpSocket: z.looseObject({ port: intOrText }).optional(),
  exec: z.looseObject({ command: z.array(text).optional() }).optional(),
  grpc: z.looseObject({ port: wholeNumber }).optional(),
  initialDelaySeconds: wholeNumber.optional(),
  timeoutSeconds: wholeNumber.optional(),
  periodSeconds: wholeNumber.optional(),
  successThreshold: wholeNumber.optional(),
  failureThreshold: wholeNumber.optional(),
});

const container = z.looseObject({
  name: text.optional(),
  image: text.optional(),
  imagePullPolicy: text.optional(),
  command: z.array(text).optional(),
  args: z.array(text).optional(),
  ports: z
    .array(z.looseObject({ name: text.optional(), containerPort: wholeNumber.optional(), protocol: text.optional() }))
    .optional(),
  env: z.array(z.looseObject({ name: text.optional(), value: text.optional() })).optional(),
  resources: resources.optional(),
  volumeMounts: z.array(z.looseObject({ name: text.optional(), mountPath: text.optional() })).optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  startupProbe: probe.optional(),
  terminationMessagePath: text.optional(),
  terminationMessagePolicy: text.optional(),
});

const pod = z.looseObject({
  metadata: metadata.optional(),
  spec: z
    .looseObject({
      containers: z.array(container).optional(),
      initContainers: z.array(container).optional(),
      volumes: z.array(z.looseObject({ name: text.optional() })).optional(),
      restartPolicy: text.optional(),
      terminationGracePeriodSeconds: wholeNumber.optional(),
      activeDeadlineSeconds: wholeNumber.optional(),
      dnsPolicy: text.optional(),
      nodeName: text.optional(),
      nodeSelector: texts.optional(),
      serviceAccountName: text.optional(),
      schedulerName: text.optional(),
      securityContext: z.looseObject({}).optional(),
      enableServiceLinks: z.boolean().optional(),
      automountServiceAccountToken: z.boolean().optional(),
      tolerations: z.array(z.looseObject({})).optional(),
    })
    .optional(),
  status: z
    .looseObject({
      phase: text.optional(),
      conditions: z.array(z.looseObject({ type: text, status: text })).optional(),
      containerStatuses: z.array(z.looseObject({ name: text })).optional(),
    })
    .optional(),
});

const claim = z.looseObject({
  metadata: metadata.optional(),
  spec: z
    .looseObject({
      accessModes: z.array(text).optional(),
      resources: resources.optional(),
      storageClassName: text.optional(),
      volumeMode: text.optional(),
      volumeName: text.optional(),
    })
    .optional(),
  status: z.looseObject({ phase: text.optional(), capacity: quantities.optional() }).optional(),
});

const volume = z.looseObject({
  metadata: metadata.optional(),
  spec: z.looseObject({ capacity: quantities.optional(), accessModes: z.array(text).optional() }).optional(),
});

const event = z.looseObject({
  metadata: metadata.optional(),
  involvedObject: z
    .looseObject({ namespace: text.optional(), name: text.optional(), kind: text.optional() })
    .optional(),
  reason: text.optional(),
  message: text.optional(),
  type: text.optional(),
  count: wholeNumber.optional(),
});

const plain = z.looseObject({ metadata: metadata.optional() });

/** Returns a check that gives the message about the first wrong field, or undefined. */
function shapeCheck(schema: z.ZodType): (value: unknown) => string | undefined {
  return (value) => {
    const result = schema.safeParse(value);
    if (result.success) return undefined;
    const issue = result.error.issues[0];
    return issue === undefined ? 'the object has a wrong shape' : `${issue.path.join('.')}: ${issue.message}`;
  };
}

export const checkPodShape = shapeCheck(pod);
export const checkClaimShape = shapeCheck(claim);
export const checkVolumeShape = shapeCheck(volume);
export const checkEventShape = shapeCheck(event);
export const checkPlainShape = shapeCheck(plain);
