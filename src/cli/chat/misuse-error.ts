import { UsageError } from '../../errors.js';

/** A command of a conversation is written wrongly, and nothing was done. In a file of its own so that no imports go in circles. */
export class MisuseError extends UsageError {}
