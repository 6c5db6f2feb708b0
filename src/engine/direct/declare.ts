import { promisify } from 'node:util';
import type { LibraryHandle, TypeObject } from 'koffi';
import { fieldsOf, signatureOf } from './c-declarations.js';
import { FUNCTIONS, HEAD_FUNCTIONS, STRUCTS } from './layout.js';

type Koffi = typeof import('koffi')['default'];

/** A C function, called with the values of its prototype. */
export type NativeFunction = ReturnType<LibraryHandle['func']>;

/** The address of an object that llama.cpp owns. */
export type Pointer = bigint;

/** The functions for hidden states. */
export interface HeadLibrary {
  /** Makes a context return hidden states: of wanted tokens, or of all. */
  returnHidden(context: Pointer, ofAll: boolean): void;
  /** @returns the hidden states of the last batch, row after row */
  hidden(context: Pointer): Pointer | null;
  /** Makes a context of a head run this layer of its chain, from 0. */
  runLayer(context: Pointer, layer: number): void;
}

/** What was bound. */
export interface Declarations {
  readonly declared: Record<string, NativeFunction>;
  readonly heads: HeadLibrary | undefined;
}

/**
 * Binds every function of `layout.ts`, from the first library that has it.
 * @throws Error where none has it
 */
export function declareAll(koffi: Koffi, paths: readonly string[]): Declarations {
  const structs: Record<string, TypeObject> = {};
  const typeOf = (type: string) => structs[type] ?? valueType(type);
  for (const [name, body] of Object.entries(STRUCTS))
    structs[`struct ${name}`] = koffi.struct(
      Object.fromEntries(fieldsOf(body).map((field) => [field.name, typeOf(field.type)])),
    );
  const handles = paths.map((path) => koffi.load(path));
  const bound = (symbol: string, prototype: string): NativeFunction | undefined => {
    const { type, parameters } = signatureOf(prototype);
    const types = parameters.map((parameter) => typeOf(parameter.type));
    for (const handle of handles)
      try {
        return handle.func(symbol, typeOf(type), types);
      } catch {} // the next library may have it
    return undefined;
  };
  const declared = Object.values(FUNCTIONS)
    .flat()
    .map((prototype) => {
      const { name } = signatureOf(prototype);
      const native = bound(name, prototype);
      if (!native) throw new Error(`it has no function ${name}`);
      return [name, native] as const;
    });
  const [set, get, runLayer] = Object.entries(HEAD_FUNCTIONS).map((entry) => bound(...entry));
  const heads = set &&
    get &&
    runLayer && {
      returnHidden: (context: Pointer, ofAll: boolean) => set(context, true, !ofAll),
      hidden: get,
      runLayer,
    };
  return { declared: Object.fromEntries(declared), heads };
}

/** Makes a function of C run on another thread. */
export function onOtherThread<Args extends unknown[], Result>(
  native: NativeFunction,
): (...args: Args) => Promise<Result> {
  return promisify(native.async) as (...args: Args) => Promise<Result>;
}

/** @returns koffi's type for a C type, except structs by value */
function valueType(type: string): string {
  if (type === 'const char *') return 'str'; // which takes a buffer too, whatever is in it
  if (/\*$|_callback$|^(llama_memory_t|ggml_threadpool_t)$/.test(type)) return 'void *';
  if (type.startsWith('enum ')) return 'int';
  return type.replace(/^llama_(token|pos|seq_id)$/, 'int32_t');
}
