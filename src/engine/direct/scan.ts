/** Hand-written WebAssembly that reads 16 floats at a time. scripts/make-scan.ts assembles and explains it. */
export const MODULE =
  'AGFzbQEAAAABCAFgA39/fQF/Ag8BA2VudgZtZW1vcnkCAAEDAgEABwgBBG5leHQAAApdAVsBAXsgAv0TIQMDQCAAIAFPBEAgAQ8LIAD9AAIAIAP9RSAA/QACECAD/UX9TiAA/QACICAD/UX9TiAA/QACMCAD/UX9Tv2jAUUEQCAADwsgAEHAAGohAAwACwAL';

/** The part of WebAssembly's types that is used here. Node has WebAssembly; its type definitions do not. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    validate(bytes: Uint8Array): boolean;
    readonly Memory: new (size: { initial: number }) => Memory;
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly next: Next } };
  };
};

const BYTES = new Uint8Array(Buffer.from(MODULE, 'base64'));

/** @returns whether this processor has the instructions */
export const canScan = () => WebAssembly.validate(BYTES);

/** Number of floats in a block. */
export const BLOCK = 16;

type Next = (from: number, end: number, least: number) => number;

/** The WebAssembly's memory and functions. They are made when first needed, and shared by all rows. */
let machine: { readonly memory: Memory; readonly next: Next } | undefined;

function start() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(BYTES), { env: { memory } });
  return { memory, next: exports.next };
}

/**
 * Copies a row into the WebAssembly's memory. The copy is valid until the next call.
 * @returns a search for the first block in [from, end) with a NaN or a float above `least`: its index, or `end`
 */
export function scanOf(row: Float32Array): Next {
  machine ??= start();
  const { memory, next } = machine;
  const lacking = row.byteLength - memory.buffer.byteLength;
  if (lacking > 0) memory.grow(Math.ceil(lacking / 65_536));
  new Float32Array(memory.buffer, 0, row.length).set(row);
  return (from, end, least) => next(4 * from, 4 * end, least) / 4;
}
