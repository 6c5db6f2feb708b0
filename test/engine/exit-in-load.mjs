/** Ends the process while llama.cpp loads a model on another thread: a thread that waits for JavaScript then waits for ever. */
import { openInstalled } from '../../dist/engine/direct/installed.js';
import { MODEL_DEFAULTS } from '../../dist/engine/direct/layout.js';

const { library } = await openInstalled({ gpu: 'off' });
void library.modelLoad('gguf/stories-target-f16.gguf', MODEL_DEFAULTS);
process.exit(3);
