/** The schema of a reason code. It is apart from `reasons.ts`, whose texts the client shows without loading zod. */

import { z } from 'zod';

import { reasonFacts, type ReasonCode } from './reasons.ts';

export const reasonCodeSchema = z.enum(Object.keys(reasonFacts) as [ReasonCode, ...ReasonCode[]]); // an object has these keys
