import { acceptBlock } from '../rules/block.js';
import type { SourceSetting, StrategyDefinition } from './definition.js';
import { speculative } from './speculative.js';

/** Speculative sampling whose chain is judged as a block: more of it is accepted, the text is distributed the same. */
export const block: StrategyDefinition<'draftLength' | SourceSetting> = {
  name: 'block',
  help: 'the same, more accepted',
  heeds: speculative.heeds,
  isLossless: true,
  drafts: 'chain',
  mayRefuse: true,
  look: { color: '#e69f00', darkColor: '#e69f00', mark: 'diamond' },
  sequences: speculative.sequences,
  create: (settings, context) => ({ ...speculative.create(settings, context), accept: acceptBlock }),
};
