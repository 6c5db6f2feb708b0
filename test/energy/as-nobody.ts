/** The meter of a user who is not root, over the folder of counters given. */
import { openMeter } from '../../src/energy/meter.js';

if (process.getuid?.() === 0) process.setuid!(65534);
const meter = await openMeter({ backend: 'cpu', platform: 'linux', powercap: process.argv[2]! });
const { source, reason } = meter;
process.stdout.write(JSON.stringify({ source, reason, reading: await meter.read() }));
meter.dispose();
