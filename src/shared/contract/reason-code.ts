/** Apart from reasons.ts, whose words pages show without loading the library that validates. */

import { z } from 'zod';

import { reasonFacts, type ReasonCode } from './reasons.ts';

export const reasonCodeSchema = z.enum(Object.keys(reasonFacts) as [ReasonCode, ...ReasonCode[]]); // an object has these keys
