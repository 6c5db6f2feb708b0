import type { GgufFileInfo } from 'node-llama-cpp';
import type { GgufFile } from './gguf-file.js';
import type { Entry, Scalar } from './gguf-reader.js';

type Group = { [word: string]: Group | Scalar | readonly Scalar[] };

/** @returns the same header in the shape of node-llama-cpp, which reckons memory with it. Long arrays are left out. */
export function fileInfoOf({ source, metadata, parts }: GgufFile): GgufFileInfo {
  const nested = group();
  for (const [key, entry] of metadata.entries) place(nested, wordsOf(key), entry);
  nested.general ??= group();
  const tensors = parts.map(({ header: { tensors, dataStart } }, part) =>
    tensors.map(({ name, dims, type, offset }) => ({
      name,
      dimensions: dims,
      ggmlType: type,
      offset,
      fileOffset: dataStart + offset,
      filePart: part + 1,
    })),
  );
  const [{ header }] = parts as [(typeof parts)[0]];
  const architecture = nested[metadata.architecture];
  return {
    version: header.version,
    tensorCount: header.tensors.length,
    totalTensorCount: tensors.flat().length,
    metadata: nested,
    metadataSize: header.dataStart,
    totalMetadataSize: parts.reduce((sum, part) => sum + part.header.dataStart, 0),
    infoEndOffset: header.dataStart,
    architectureMetadata: typeof architecture === 'object' ? architecture : group(),
    tensorInfo: tensors[0],
    fullTensorInfo: tensors.flat(),
    splicedParts: parts.length,
    source: parts[0]!.path === undefined ? { type: 'uri', uri: source } : { type: 'path', path: source },
    sourceData: parts.flatMap(({ path, header: { dataStart } }) =>
      path === undefined ? [] : [{ type: 'path', path, length: dataStart }],
    ),
  } as unknown as GgufFileInfo;
}

/** Without a prototype: a file may name any key. */
function group(): Group {
  return Object.create(null) as Group;
}

/** Groups within groups at most: a file may name keys of any number of dots. */
const DEEPEST = 8;

/** @returns the words of a key; of one with more of them than groups may be deep, the rest is the last word */
function wordsOf(key: string): readonly string[] {
  const words = key.split('.');
  return words.length <= DEEPEST
    ? words
    : [...words.slice(0, DEEPEST - 1), words.slice(DEEPEST - 1).join('.')];
}

/** Values that may have more keys below them. The rest of such a key is one word, beside the value. */
const WITH_MORE = ['chat_template', 'license'];

/** Where one key is another's beginning, the longer one counts. */
function place(at: Group, [word, ...rest]: readonly string[], entry: Entry): void {
  const value = entry.type === 'array' ? entry.values : entry.value;
  if (value === undefined) return;
  const [next, ...more] = rest;
  const inside = at[word!];
  const isGroup = typeof inside === 'object' && !Array.isArray(inside);
  if (next === undefined) {
    if (!isGroup) at[word!] = value;
  } else if (!isGroup && WITH_MORE.includes(word!)) place(at, [`${word}.${next}`, ...more], entry);
  else {
    if (!isGroup) at[word!] = group();
    place(at[word!] as Group, rest, entry);
  }
}
