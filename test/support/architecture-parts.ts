/** Parts of the models of other architectures: tensors, and files under an architecture's name. */
import { readGguf } from '../../scripts/gguf-reader.js';
import { type GgufContents, type Tensor, writeGguf } from '../../scripts/gguf-writer.js';
import { createRng } from '../../src/math/rng.js';

export const SHAPE = {
  vocab: 384,
  width: 32,
  layers: 4,
  heads: 2,
  ffn: 64,
  context: 512,
  type: 'F32',
} as const;

/** Under another architecture's name, which is how its own keys begin. */
export async function write(
  path: string,
  architecture: string,
  { metadata, tensors }: GgufContents,
): Promise<string> {
  const renamed = Object.entries(metadata).map(([key, value]) => [
    key.replace(/^llama\./, `${architecture}.`),
    value,
  ]);
  await writeGguf(path, {
    metadata: { ...Object.fromEntries(renamed), 'general.architecture': { string: architecture } },
    tensors,
  });
  return path;
}

/** A copy of a model in which each weight is off by up to this share of itself. @returns its path */
export async function blurredCopy(path: string, blur = 0.1): Promise<string> {
  const { metadata, tensors } = await readGguf(path);
  const rng = createRng(1);
  const copy = path.replace(/\.gguf$/, '-blurred.gguf');
  await writeGguf(copy, {
    metadata,
    tensors: tensors.map(({ name, dims, values }) => {
      const weights = values().map((weight) => weight * (1 + blur * (2 * rng() - 1)));
      return tensor(name, dims, (i) => weights[i]!);
    }),
  });
  return copy;
}

export const blocks = (tensorsOf: (block: string) => Tensor[]): Tensor[] =>
  Array.from({ length: SHAPE.layers }, (_, n) => tensorsOf(`blk.${n}`)).flat();

/** Weights of deviation 1/√inputs. */
export function matrix(name: string, inputs: number, outputs: number): Tensor {
  const most = Math.sqrt(3 / inputs);
  return even(name, [inputs, outputs], -most, most);
}

/** The weights of a matrix of that name, each changed by up to `blur`, under another name. */
export function blurredMatrix(
  name: string,
  of: string,
  [inputs, outputs]: readonly [number, number],
  blur: number,
): Tensor {
  const [weights, noise] = [matrix(of, inputs, outputs), even(name, [inputs, outputs], -blur, blur)].map(
    ({ data }) => [...(data() as Iterable<Float32Array>)][0]!,
  );
  return tensor(name, [inputs, outputs], (i) => weights![i]! + noise![i]!);
}

/** Weights that are even in a range, other ones under each name. */
export function even(name: string, dims: readonly number[], low: number, high: number): Tensor {
  // Cut at each letter, since a larger sum would lose its last bits.
  const rng = createRng([...name].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 2 ** 32, 7));
  const weights = Array.from({ length: dims.reduce((a, b) => a * b) }, () => low + (high - low) * rng());
  return tensor(name, dims, (i) => weights[i]!);
}

/** A matrix of which each weight is told. */
export const matrixOf = (
  name: string,
  [inputs, outputs]: readonly [number, number],
  weight: (input: number, output: number) => number,
): Tensor => tensor(name, [inputs, outputs], (i) => weight(i % inputs, Math.floor(i / inputs)));

export const constant = (name: string, dims: readonly number[], value: number): Tensor =>
  tensor(name, dims, () => value);

function tensor(name: string, dims: readonly number[], valueAt: (i: number) => number): Tensor {
  const length = dims.reduce((a, b) => a * b);
  return { name, dims, type: 'F32', data: () => [Float32Array.from({ length }, (_, i) => valueAt(i))] };
}
