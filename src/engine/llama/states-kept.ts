import { basename } from 'node:path';
import type { GgufInsights } from 'node-llama-cpp';
import { ModelFileError } from '../../errors.js';

/** Architectures whose recurrent layers can keep the states of the last tokens (`llm_arch_supports_rs_rollback` in llama.cpp). */
const ROLLS_BACK: ReadonlySet<string | undefined> = new Set([
  'bailingmoe3',
  'lfm2',
  'lfm2moe',
  'nemotron_h',
  'nemotron_h_moe',
  'qwen35',
  'qwen35moe',
  'qwen4exp',
]);

/**
 * Returns the number of states that llama.cpp keeps of each sequence besides the last one.
 * @param wanted the number that is asked for
 */
export function statesKept(architecture: string | undefined, wanted: number): number {
  return ROLLS_BACK.has(architecture) ? wanted : 0;
}

/**
 * Refuses models with recurrent layers. node-llama-cpp cannot roll back their states, as each rejected draft requires.
 * @throws ModelFileError
 */
export function refuseWithoutRollback(insights: GgufInsights, path: string): void {
  if (insights.isRecurrent || insights.isHybrid)
    throw new ModelFileError(
      `${basename(path)} is a ${insights.ggufFileInfo.metadata.general.architecture} model, whose recurrent state the engine bindings cannot roll back, ` +
        'as a rejected draft needs; use `engine` direct',
    );
}
