import { UsageError } from '../errors.js';
import { createDirectEngine } from './direct/engine.js';
import { DirectUnavailable } from './direct/library.js';
import type { Engine, EngineName, EngineOptions } from './port.js';

/**
 * @returns the engine of a name; 'auto': the direct engine where it can run, else the bindings engine
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine, or when the direct engine is
 *   asked for by name and cannot run
 */
export async function createEngine(name: EngineName | 'auto', options: EngineOptions): Promise<Engine> {
  if (name === 'bindings') return openBindings(options);
  try {
    return await createDirectEngine(options);
  } catch (cause) {
    if (!(cause instanceof DirectUnavailable)) throw cause;
    const reason = `the direct engine does not work here: ${cause.message}`;
    if (name === 'direct') throw new UsageError(`${reason}; use \`engine\` bindings`, { cause });
    options.log?.(`[mtad] ${reason}; using bindings`);
    return openBindings(options);
  }
}

/** Only where it is wanted: node-llama-cpp has more modules than all the rest together. */
export async function openBindings(options: EngineOptions): Promise<Engine> {
  const { createBindingsEngine } = await import('./bindings/engine.js');
  return createBindingsEngine(options);
}
