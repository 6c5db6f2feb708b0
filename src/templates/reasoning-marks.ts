/** The words between which a model reasons before it answers. */
export interface ReasoningMarks {
  /** Not empty. */
  readonly start: string;
  /** Not empty. */
  readonly end: string;
  /** What an answer without reasoning begins with, which is no part of it; undefined = nothing. */
  readonly skipped?: string | undefined;
  /** Whether the template opens the section itself, so that an answer begins inside it. */
  readonly isOpen: boolean;
  /** Whether the template speaks of them: else the model may know them all the same, or never use them. */
  readonly isOfTemplate: boolean;
}

/** What nearly all thinking models write. */
export const THINK = { start: '<think>', end: '</think>' } as const;

/** Marks of the families that are known here, as their templates write them. The first that a template has in it is meant. */
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

/** What tells that a template speaks of marks whose words it puts together from parts. */
const SIGNS = new Map([
  ['<|end|><|start|>assistant<|channel|>final<|message|>', '<|start|>assistant<|channel|>final<|message|>'],
  ['<|end|><|begin|>assistant<|content|>', '<|begin|>assistant<|think|>'],
  ['<|close|>think<|sep|><|open|>response<|sep|>', "open_tag('response')"],
]);

/**
 * @param template in Jinja
 * @param prompt what it writes up to where an answer begins
 * @returns undefined where it speaks of none
 */
export function reasoningMarks(template: string, prompt: string): ReasoningMarks | undefined {
  const marks = MARKS.find(({ end }) => template.includes(SIGNS.get(end) ?? end));
  return marks && { ...marks, isOpen: prompt.trimEnd().endsWith(marks.start), isOfTemplate: true };
}
