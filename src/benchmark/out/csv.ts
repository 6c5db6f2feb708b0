import { stringify } from 'csv-stringify/sync';
import type { BenchmarkReport, ContenderSummary, Estimate } from '../report.js';

/** One line per contender, in the order of the table, figures unrounded; empty where one does not apply. */
export function csv({ contenders, complete }: BenchmarkReport): string {
  return stringify(
    contenders.map((one) => ({ ...row(one), complete: String(complete) })),
    { header: true },
  );
}

function row(one: ContenderSummary): Record<string, string | number | null | undefined> {
  const { msPerToken: ms, joulesPerToken: joules } = one;
  return {
    setting: one.name,
    engine: one.engine,
    role: one.role,
    generations: one.generations,
    tokens: one.tokens,
    ...estimate('tokens_per_second', one.tokensPerSecond),
    ...estimate('speed_up', one.speedUp.autoregressive),
    ...estimate('perplexity', one.perplexity),
    distinct_1: one.distinct[0],
    distinct_2: one.distinct[1],
    distinct_3: one.distinct[2],
    distinct_4: one.distinct[3],
    joules_per_token: joules?.net,
    joules_per_token_with_idle: joules?.gross,
    ...estimate('speed_up_over_speculative', one.speedUp.speculative),
    ...estimate('speed_up_over_predictor', one.speedUp.predictor),
    target_passes: one.targetPasses,
    first_token_ms: one.firstTokenMs,
    block_efficiency: one.blockEfficiency,
    acceptance_rate: one.acceptanceRate,
    acceptance_by_position: one.acceptanceByPosition.map((rate) => rate?.toFixed(4) ?? '-').join(' '),
    draft_ms_per_token: ms?.draft,
    verify_ms_per_token: ms?.verify,
    own_ms_per_token: ms?.own,
    achieved_of_possible: one.achievedOfPossible,
  };
}

function estimate(name: string, value: Estimate | null) {
  return { [name]: value?.value, [`${name}_low`]: value?.low, [`${name}_high`]: value?.high };
}
