import { ModelFileError } from '../errors.js';

/** Whether a disk did not take what was written. */
export function isWriteFailure(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** A failure of the file system, with what to do. */
export function explained(error: NodeJS.ErrnoException, folder: string): Error {
  const { code } = error;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ModelFileError(`The disk of ${folder} is full; make room and run the same command again`, {
      cause: error,
    });
  if (code === 'EFBIG')
    return new ModelFileError(
      `${folder} takes no file so long (EFBIG); choose a folder on another disk with --models-dir, or raise ulimit -f`,
      { cause: error },
    );
  if (code && ['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST'].includes(code))
    return new ModelFileError(
      `Cannot write to ${folder} (${code}); choose another folder with --models-dir`,
      {
        cause: error,
      },
    );
  return error;
}
