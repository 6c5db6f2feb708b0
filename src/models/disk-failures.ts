import { statfs } from 'node:fs/promises';
import { ModelFileError } from '../errors.js';

/** @returns bytes that the disk of a folder has left for this user */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Whether a disk did not take what was written. */
export function isWriteFailure(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '');
}

type DiskError = NodeJS.ErrnoException & { dest?: string }; // of a rename
type Sentence = (folder: string, error: DiskError) => string;

const isFull: Sentence = (folder) =>
  `The disk of ${folder} is full; make room and run the same command again`;
const takesNothing: Sentence = (folder, { code }) =>
  `Cannot write to ${folder} (${code}); choose another folder with \`modelsDir\``;
const isInTheWay: Sentence = (folder, { code, dest = folder }) =>
  `A folder is in the way at ${dest} (${code}), where a model belongs; move it away, or choose another folder with \`modelsDir\``;

const SENTENCES: Readonly<Record<string, Sentence>> = {
  ENOSPC: isFull,
  EDQUOT: isFull,
  EFBIG: (folder) =>
    `${folder} takes no file so long (EFBIG); choose a folder on another disk with \`modelsDir\`, or raise ulimit -f`,
  EACCES: takesNothing,
  EROFS: takesNothing,
  EPERM: takesNothing,
  ENOTDIR: takesNothing,
  EEXIST: takesNothing,
  ENOENT: takesNothing, // where it leads by a link
  EIO: takesNothing,
  ENAMETOOLONG: (folder, { code }) =>
    `The disk of ${folder} does not take so long a name (${code}); choose another folder with \`modelsDir\``,
  EISDIR: isInTheWay,
  ENOTEMPTY: isInTheWay,
};

/** A failure of the file system, with what to do. */
export function explained(error: DiskError, folder: string): Error {
  const sentence = SENTENCES[error.code ?? ''];
  return sentence ? new ModelFileError(sentence(folder, error), { cause: error }) : error;
}
