import { describe } from 'vitest';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import { DEVICE } from '../support/device.js';
import { engineContract } from './contract.js';

describe('the direct engine', () => {
  engineContract(() => createDirectEngine({ gpu: DEVICE }));
});
