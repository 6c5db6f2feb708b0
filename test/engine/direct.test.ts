import { describe } from 'vitest';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import { engineContract } from './contract.js';

describe('the direct engine', () => {
  engineContract(() => createDirectEngine({ gpu: 'off' }));
});
