/** A program that opens the meter of GPUs before any engine. Which engine does it get? */
import { openMeter } from '../../src/energy/meter.js';
import { createEngine } from '../../src/engine/open.js';

const meter = await openMeter({ backend: 'cuda', nvml: process.argv[2]! });
const engine = await createEngine('auto', { gpu: 'off', log: () => {} });
process.stdout.write(JSON.stringify({ source: meter.source, name: engine.name }));
await engine.dispose();
meter.dispose();
