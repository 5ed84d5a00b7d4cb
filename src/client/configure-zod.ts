/**
 * Configures zod for the content security policy. Import this file before any file that builds a schema: by default zod
 * tests whether `new Function` is allowed, and the browser reports each test as a violation of the policy.
 */

import { config } from 'zod';

config({ jitless: true });
