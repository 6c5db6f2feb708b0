import { UsageError } from '../../errors.js';

/** A command of a conversation that is written wrongly, so that nothing was done. (Here for those that commands import.) */
export class MisuseError extends UsageError {}
