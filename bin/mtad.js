#!/usr/bin/env node
import { homedir } from 'node:os';

if (process.env.HOME === '') delete process.env.HOME; // else it is the working folder
try {
  homedir();
} catch {
  process.env.HOME = '/'; // of a user without a name, as container engines set it; libraries ask while they are imported
}
void import('../dist/cli/process.js').then(({ runProcess }) => runProcess());
