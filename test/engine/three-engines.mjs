/** A program that gives llama.cpp reasons to complain, in three engines after each other. Its output should be nothing. */
import { createBindingsEngine } from '../../dist/engine/bindings/engine.js';
import { EMBEDDED_PAIR } from '../../dist/models/resolve.js';

const unknownToken = { token: 2 ** 30, position: 0, sequences: [0], wanted: true };

for (let time = 0; time < 3; time++) {
  const engine = await createBindingsEngine({ gpu: 'off' });
  const model = await engine.loadModel(EMBEDDED_PAIR.draft, {});
  const longerThanTrainedOn = await model.createContext({ capacity: 2000, sequences: 1, threads: 1 });
  const read = { top: 0, logSumExp: false };
  await longerThanTrainedOn.run({ keeps: [], batch: [unknownToken], read }).catch(() => undefined);
  await engine.dispose();
}
