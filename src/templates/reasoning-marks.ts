/** The words before and behind a model's reasoning. */
export interface ReasoningMarks {
  /** Not empty. */
  readonly start: string;
  /** Not empty. */
  readonly end: string;
  /** Words before an answer without reasoning, which do not belong to the answer; undefined: none. */
  readonly skipped?: string | undefined;
  /** Whether the template writes the first mark itself, so that the model's text begins within the reasoning. */
  readonly isOpen: boolean;
  /** Whether the template contains the marks. If not, the model may use them or not. */
  readonly isOfTemplate: boolean;
}

/** The marks of nearly all reasoning models. */
export const THINK = { start: '<think>', end: '</think>' } as const;

/** Marks of known families of models, as their templates write them. The first marks that a template contains count. */
const MARKS: readonly Pick<ReasoningMarks, 'start' | 'end' | 'skipped'>[] = [
  // gpt-oss: what a message is comes behind its role, and an answer is a message of its own.
  {
    start: '<|channel|>analysis<|message|>',
    end: '<|end|><|start|>assistant<|channel|>final<|message|>',
    skipped: '<|channel|>final<|message|>',
  },
  // Solar Open, likewise.
  { start: '<|think|>', end: '<|end|><|begin|>assistant<|content|>', skipped: '<|content|>' },
  // Kimi K3.
  { start: '<|open|>think<|sep|>', end: '<|close|>think<|sep|><|open|>response<|sep|>' },
  { start: '<|channel>thought', end: '<channel|>' }, // Gemma 4
  { start: '<|START_THINKING|>', end: '<|END_THINKING|>' }, // Command R7B and later
  { start: '<|inner_prefix|>', end: '<|inner_suffix|>' }, // Apertus
  { start: '<seed:think>', end: '</seed:think>' }, // Seed-OSS
  { start: '<mm:think>', end: '</mm:think>' }, // MiniMax M3
  { start: '[THINK]', end: '[/THINK]' }, // Magistral, Ministral
  { start: 'Here are my reasoning steps:', end: '[BEGIN FINAL RESPONSE]' }, // Apriel
  THINK,
];

/** Signs that a template writes marks whose words it joins from parts. */
const SIGNS = new Map([
  ['<|end|><|start|>assistant<|channel|>final<|message|>', '<|start|>assistant<|channel|>final<|message|>'],
  ['<|end|><|begin|>assistant<|content|>', '<|begin|>assistant<|think|>'],
  ['<|close|>think<|sep|><|open|>response<|sep|>', "open_tag('response')"],
]);

/**
 * @param template in Jinja
 * @param prompt the text of the template up to the place where an answer begins
 * @returns the marks of a template; undefined where it has none
 */
export function reasoningMarks(template: string, prompt: string): ReasoningMarks | undefined {
  const marks = MARKS.find(({ end }) => template.includes(SIGNS.get(end) ?? end));
  return marks && { ...marks, isOpen: prompt.trimEnd().endsWith(marks.start), isOfTemplate: true };
}
