import { statfs } from 'node:fs/promises';
import { ModelFileError } from '../errors.js';

/** @returns bytes that this user may still write to the disk of a folder */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** @returns whether an error means that a disk did not take the written bytes */
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

/** @returns a ModelFileError that says what to do about a failure of the file system; other errors as they are */
export function explained(error: DiskError, folder: string): Error {
  const sentence = SENTENCES[error.code ?? ''];
  return sentence ? new ModelFileError(sentence(folder, error), { cause: error }) : error;
}
