/**
 * Must be imported before any schema: zod compiles object schemas with `new Function`, and tries whether it may. The
 * content security policy forbids that, and each try would be reported as a violation.
 */

import { config } from 'zod';

config({ jitless: true });
