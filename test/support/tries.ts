/**
 * How many texts, seeds or cases a law is tried on: few each day, enough to catch the faults it is there for, and many by
 * `npm run soak`.
 */
export const tries = <T>(daily: T, soak: T): T => (process.env.MTAD_TEST_SOAK ? soak : daily);
