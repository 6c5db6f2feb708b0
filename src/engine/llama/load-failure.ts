import { ModelFileError, ResourceError } from '../../errors.js';
import type { Complaints } from './complaints.js';

/** @returns the error for a model that llama.cpp could not load */
export async function loadFailure(path: string, cause: unknown, complaints: Complaints): Promise<Error> {
  const reason = await complaints.summary(cause);
  const Failure = /alloc|out of memory/i.test(reason) ? ResourceError : ModelFileError;
  return new Failure(`llama.cpp cannot load ${path}: ${reason}`, { cause });
}
