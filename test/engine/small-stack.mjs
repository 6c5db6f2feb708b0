/** A program that has used koffi before, as it comes. Which engine does it get, and what is said? */
import koffi from 'koffi';
import { createEngine } from '../../dist/engine/open.js';

koffi.load(null);
const lines = [];
const engine = await createEngine('auto', { gpu: 'off', log: (line) => lines.push(line) });
process.stdout.write(JSON.stringify({ name: engine.name, said: lines[0] }));
await engine.dispose();
