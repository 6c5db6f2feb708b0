import type { GenerationResult } from '../../generation/events.js';
import type { Id } from './line.js';

/** A text that is written, and the input that asked for it. */
export interface Written {
  readonly id: Id;
  /** Of the input, from 1. */
  readonly line: number;
  readonly seed: number;
  readonly promptTokens: number;
  readonly result: GenerationResult;
}

/** Where results go. */
export interface Results {
  /** Whether the text of this input is there from an earlier run. */
  has(id: Id): boolean;
  /** Resolves when the text is kept, whatever happens to the process afterwards. @throws Error */
  write(written: Written): Promise<void>;
  /** Notes why there is no text. */
  fail(failed: { readonly id: Id; readonly line: number; readonly error: string }): Promise<void>;
  /**
   * Ends the run. @param order all inputs in their order; undefined = the run was interrupted
   * @throws Error when something was lost
   */
  close(order: readonly Place[] | undefined): Promise<void>;
  /** Whether nobody reads any more. */
  readonly isClosed: boolean;
}

/** The place of an input. */
export interface Place {
  readonly id: Id;
  readonly line: number;
}
