import { isDeepStrictEqual } from 'node:util';
import type { Llama } from 'node-llama-cpp';
import { reserveStack } from '../../koffi-stack.js';
import { declareAll, type HeadLibrary, type NativeFunction, onOtherThread, type Pointer } from './declare.js';
import { FreedMemory, openTrim } from './freed-memory.js';
import {
  CONTEXT_DEFAULTS,
  type ContextParams,
  MODEL_DEFAULTS,
  type ModelParams,
  RELEASES,
} from './layout.js';
import { canScan } from './scan.js';

/** llama_batch, with its arrays by address. */
export interface NativeBatch {
  readonly n_tokens: number;
  readonly token: Pointer;
  readonly embd: Pointer | null;
  readonly pos: Pointer;
  readonly n_seq_id: Pointer;
  readonly seq_id: Pointer;
  readonly logits: Pointer;
}

/** The C functions of llama.cpp's library. Long calls run on another thread. */
export interface Library {
  /** Of libllama, and of the libraries that it was loaded with. */
  readonly paths: readonly string[];
  /** All functions of `layout.ts` by name, for the vocabulary and grammars; they run on this thread. */
  readonly native: Readonly<Record<string, NativeFunction>>;
  modelLoad(path: string, params: ModelParams): Promise<Pointer | null>;
  modelFree(model: Pointer): Promise<void>;
  /** @returns the reason why this engine cannot run a model; undefined: it can */
  oddity(model: Pointer): string | undefined;
  /** Tokens. */
  vocabularySize(model: Pointer): number;
  /** @returns whether layers keep a state of the text in place of its tokens */
  isRecurrent(model: Pointer): boolean;
  /** @returns the sliding window in tokens; 0: no layer has one */
  slidingWindow(model: Pointer): number;
  contextInit(model: Pointer, params: ContextParams): Promise<Pointer | null>;
  contextFree(context: Pointer): Promise<void>;
  /** What contexts leave behind. */
  readonly freedMemory: FreedMemory;
  /** @returns the number of decoder layers of the drafting head; 0: there is no head */
  headLayers(model: Pointer): number;
  /** @returns how many numbers a hidden state has */
  hiddenWidth(model: Pointer): number;
  /** What drafting heads need; undefined: this build of llama.cpp does not give it out. */
  readonly heads: HeadLibrary | undefined;
  /** @returns the number of states that a context keeps of each sequence besides the last one */
  statesKept(context: Pointer): number;
  memory(context: Pointer): Pointer;
  memoryRemove(memory: Pointer, sequence: number, from: number, to: number): boolean;
  /** @returns the number of tokens that a sequence holds */
  memoryLength(memory: Pointer, sequence: number): number;
  memoryCopy(memory: Pointer, source: number, target: number, from: number, to: number): void;
  /** @returns llama_decode's code: 0 success, 1 no room, any other a failure */
  decode(context: Pointer, batch: NativeBatch): Promise<number>;
  /** Does the same on this thread, which waits. */
  decodeHere(context: Pointer, batch: NativeBatch): number;
  synchronize(context: Pointer): Promise<void>;
  synchronizeHere(context: Pointer): void;
  /** @returns the logits of the wanted positions of the last batch, row after row */
  logits(context: Pointer): Pointer | null;
  view(address: Pointer, bytes: number): ArrayBuffer;
  addressOf(buffer: ArrayBuffer): Pointer;
  threadPoolNew(threads: number): Pointer | null;
  threadPoolFree(pool: Pointer): void;
  threadPoolAttach(context: Pointer, pool: Pointer): void;
  /** @returns the address of a function that llama.cpp can call */
  registerProgress(callback: (progress: number) => boolean): Pointer;
  unregister(callback: Pointer): void;
}

/** llama.cpp in this process. */
export interface Installed {
  readonly library: Library;
  /** The device that computes. */
  readonly backend: string;
  readonly versions: { readonly node_llama_cpp: string; readonly llama_cpp: string };
  /** Has complaints hear what llama.cpp logs during a call. Through node-llama-cpp they hear it at all times. */
  heard<T>(call: () => Promise<T>): Promise<T>;
  /** @returns the number of cores that llama.cpp computes best with */
  mathCores(): number;
  /** @returns node-llama-cpp on the same library. Where it did not open the library, this loads it: about a second. */
  llama(): Promise<Llama>;
}

/** The direct engine cannot run on this machine; the message gives the reason. */
export class DirectUnavailable extends Error {
  override readonly name = 'DirectUnavailable';
}

const opened = new Map<string, Promise<Library>>(); // by path, since koffi's declarations are for life

/**
 * Binds the functions of a library, after checking that it is the one in `layout.ts`.
 * @param find gives the path of libllama, and the paths of the libraries that it was loaded with
 * @param release the release of llama.cpp that its package names
 * @throws DirectUnavailable
 */
export async function bindLibrary(find: () => string[], release: string): Promise<Library> {
  if (!RELEASES.includes(release))
    throw new DirectUnavailable(`it knows llama.cpp ${RELEASES}, and ${release} is loaded`);
  try {
    const paths = find();
    const opening = opened.get(paths[0]!) ?? bind(paths, release);
    opened.set(paths[0]!, opening);
    return await opening;
  } catch (cause) {
    if (cause instanceof DirectUnavailable) throw cause;
    throw new DirectUnavailable(`it cannot bind llama.cpp: ${(cause as Error).message}`, { cause });
  }
}

async function bind(paths: readonly string[], release: string): Promise<Library> {
  const { default: koffi } = await import('koffi');
  if (koffi.sizeof('void *') !== 8) throw new DirectUnavailable('it needs a processor of 64 bits');
  if (!canScan())
    throw new DirectUnavailable('it needs a processor with the SIMD instructions of WebAssembly');
  if (!reserveStack(koffi))
    throw new DirectUnavailable(
      `koffi is in use with stacks of ${koffi.config().async_stack_size ?? 0} bytes`,
    );
  koffi.view(koffi.address(new ArrayBuffer(8)), 8); // some runtimes forbid it
  const { declared: c, heads } = declareAll(koffi, paths);
  const version: string = c.llama_version!();
  if (!`v${version}-`.startsWith(`${release}-`))
    throw new DirectUnavailable(`llama.cpp is ${version}, where node-llama-cpp says ${release}`);
  checkDefaults('llama_model_default_params', c.llama_model_default_params!(), MODEL_DEFAULTS);
  checkDefaults('llama_context_default_params', c.llama_context_default_params!(), CONTEXT_DEFAULTS);
  const isRecurrent = (model: Pointer): boolean =>
    c.llama_model_is_recurrent!(model) || c.llama_model_is_hybrid!(model);
  const progressType = koffi.pointer(koffi.proto('bool', ['float', 'void *']));
  return {
    paths,
    native: c,
    modelLoad: onOtherThread(c.llama_model_load_from_file!),
    modelFree: onOtherThread(c.llama_model_free!),
    oddity: (model) =>
      Object.entries({
        'has an encoder': c.llama_model_has_encoder!,
        'is a diffusion model': c.llama_model_is_diffusion!,
        'has recurrent layers and a sliding window': (model: Pointer) =>
          isRecurrent(model) && c.llama_model_n_swa!(model) > 0,
      }).find(([, holds]) => holds(model))?.[0],
    isRecurrent,
    vocabularySize: (model) => c.llama_vocab_n_tokens!(c.llama_model_get_vocab!(model)),
    slidingWindow: c.llama_model_n_swa!,
    contextInit: onOtherThread(c.llama_init_from_model!),
    contextFree: onOtherThread(c.llama_free!),
    freedMemory: new FreedMemory(openTrim(koffi)),
    headLayers: c.llama_model_n_layer_nextn!,
    hiddenWidth: c.llama_model_n_embd_out!,
    heads,
    statesKept: c.llama_n_rs_seq!,
    memory: c.llama_get_memory!,
    memoryRemove: c.llama_memory_seq_rm!,
    memoryLength: (memory, sequence) => 1 + c.llama_memory_seq_pos_max!(memory, sequence), // -1 where it is empty
    memoryCopy: c.llama_memory_seq_cp!,
    decode: onOtherThread(c.llama_decode!),
    decodeHere: c.llama_decode!,
    synchronize: onOtherThread(c.llama_synchronize!),
    synchronizeHere: c.llama_synchronize!,
    logits: c.llama_get_logits!,
    view: koffi.view,
    addressOf: koffi.address,
    threadPoolNew: (threads) => {
      const params = new ArrayBuffer(1024); // ggml_threadpool_params has 532 bytes, and only ggml looks into it
      c.ggml_threadpool_params_init!(params, threads);
      return c.ggml_threadpool_new!(params);
    },
    threadPoolFree: c.ggml_threadpool_free!,
    threadPoolAttach: (context, pool) => c.llama_attach_threadpool!(context, pool, pool),
    registerProgress: (callback) => koffi.register(callback, progressType),
    unregister: koffi.unregister,
  };
}

export function checkDefaults(name: string, found: object, expected: object): void {
  if (isDeepStrictEqual(found, expected)) return;
  const key = Object.keys(expected).find(
    (key) => !isDeepStrictEqual(Reflect.get(found, key), Reflect.get(expected, key)),
  );
  throw new DirectUnavailable(
    `${name} of llama.cpp gives ${key} ${Reflect.get(found, key ?? '')}, not ${Reflect.get(expected, key ?? '')}`,
  );
}
