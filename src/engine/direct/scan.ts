/** Hand-written WebAssembly that reads 16 floats at a time. scripts/make-scan.ts assembles and explains it. */
export const MODULE =
  'AGFzbQEAAAABDwJgA39/fQF/YAN/f30BfAIPAQNlbnYGbWVtb3J5AgABAwMCAAEHDgIEbmV4dAAAA3N1bQABCt8IAlsBAXsgAv0TIQMDQCAAIAFPBEAgAQ8LIAD9AAIAIAP9RSAA/QACECAD/UX9TiAA/QACICAD/UX9TiAA/QACMCAD/UX9Tv2jAUUEQCAADwsgAEHAAGohAAwACwALgAgBBXsgAv0TIQMDQCAAIAFPBEAgB/0hACAH/SEBoA8LIAD9AAIAIAP95QFDAACuwv0T/ekBIQQgBEM7qrg//RP95gH9aiEFIAQgBUMAgDE//RP95gH95QEgBUODgF65/RP95gH95QEhBkNnaVA5/RMgBv3mAUPOQ7c6/RP95AEgBv3mAUMIiQg8/RP95AEgBv3mAUPBqSo9/RP95AEgBv3mAUOqqio+/RP95AEgBv3mAUMAAAA//RP95AEgBv3mASAG/eYBIAb95AFDAACAP/0T/eQBIAX9+AFB/wD9Ef2uAUEX/asB/eYBIQQgBP1fIAf98AEhByAEIAT9DQgJCgsMDQ4PAAECAwQFBgf9XyAH/fABIQcgAP0AAhAgA/3lAUMAAK7C/RP96QEhBCAEQzuquD/9E/3mAf1qIQUgBCAFQwCAMT/9E/3mAf3lASAFQ4OAXrn9E/3mAf3lASEGQ2dpUDn9EyAG/eYBQ85Dtzr9E/3kASAG/eYBQwiJCDz9E/3kASAG/eYBQ8GpKj39E/3kASAG/eYBQ6qqKj79E/3kASAG/eYBQwAAAD/9E/3kASAG/eYBIAb95gEgBv3kAUMAAIA//RP95AEgBf34AUH/AP0R/a4BQRf9qwH95gEhBCAE/V8gB/3wASEHIAQgBP0NCAkKCwwNDg8AAQIDBAUGB/1fIAf98AEhByAA/QACICAD/eUBQwAArsL9E/3pASEEIARDO6q4P/0T/eYB/WohBSAEIAVDAIAxP/0T/eYB/eUBIAVDg4Beuf0T/eYB/eUBIQZDZ2lQOf0TIAb95gFDzkO3Ov0T/eQBIAb95gFDCIkIPP0T/eQBIAb95gFDwakqPf0T/eQBIAb95gFDqqoqPv0T/eQBIAb95gFDAAAAP/0T/eQBIAb95gEgBv3mASAG/eQBQwAAgD/9E/3kASAF/fgBQf8A/RH9rgFBF/2rAf3mASEEIAT9XyAH/fABIQcgBCAE/Q0ICQoLDA0ODwABAgMEBQYH/V8gB/3wASEHIAD9AAIwIAP95QFDAACuwv0T/ekBIQQgBEM7qrg//RP95gH9aiEFIAQgBUMAgDE//RP95gH95QEgBUODgF65/RP95gH95QEhBkNnaVA5/RMgBv3mAUPOQ7c6/RP95AEgBv3mAUMIiQg8/RP95AEgBv3mAUPBqSo9/RP95AEgBv3mAUOqqio+/RP95AEgBv3mAUMAAAA//RP95AEgBv3mASAG/eYBIAb95AFDAACAP/0T/eQBIAX9+AFB/wD9Ef2uAUEX/asB/eYBIQQgBP1fIAf98AEhByAEIAT9DQgJCgsMDQ4PAAECAwQFBgf9XyAH/fABIQcgAEHAAGohAAwACwAL';

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
    readonly Instance: new (module: object, imports: object) => { readonly exports: Exports };
  };
};

const BYTES = new Uint8Array(Buffer.from(MODULE, 'base64'));

/** @returns whether this processor has the instructions */
export const canScan = () => WebAssembly.validate(BYTES);

/** Number of floats in a block. */
export const BLOCK = 16;

/** Functions of a range of bytes in the memory, both of whose ends are multiples of a block. */
interface Exports {
  next(from: number, end: number, least: number): number;
  sum(from: number, end: number, max: number): number;
}

/** Reads a row of floats. Both ends of a range are multiples of a block. */
export interface Scan {
  /** @returns the first block in [from, end) with a NaN or a float above `least`: its index, or `end` */
  next(from: number, end: number, least: number): number;
  /** @returns the sum of exp(float - max) over the first `end` floats; NaN where one of them is. No float is above `max`. */
  expSum(end: number, max: number): number;
}

/** The WebAssembly's memory and what reads it. They are made when first needed, and shared by all rows. */
let machine: { readonly memory: Memory; readonly scan: Scan } | undefined;

function start() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(BYTES), { env: { memory } });
  const scan: Scan = {
    next: (from, end, least) => exports.next(4 * from, 4 * end, least) / 4,
    expSum: (end, max) => exports.sum(0, 4 * end, max),
  };
  return { memory, scan };
}

/** Copies a row into the WebAssembly's memory. What is returned reads the copy, which is valid until the next call. */
export function scanOf(row: Float32Array): Scan {
  machine ??= start();
  const { memory, scan } = machine;
  const lacking = row.byteLength - memory.buffer.byteLength;
  if (lacking > 0) memory.grow(Math.ceil(lacking / 65_536));
  new Float32Array(memory.buffer, 0, row.length).set(row);
  return scan;
}
