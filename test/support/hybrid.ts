import { fileURLToPath } from 'node:url';

/** A hybrid target with a trained drafting head, whose tokens are those of the embedded pair. */
export const HYBRID = fileURLToPath(new URL('../../gguf/stories-hybrid-f16.gguf', import.meta.url));
