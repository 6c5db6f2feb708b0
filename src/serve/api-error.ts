import { ResourceError, UsageError } from '../errors.js';
import { inFields, SETTING_OF } from './fields.js';

/** The fields of an error besides its message. */
interface Detail {
  readonly type?: string;
  /** The field of the request that is wrong. */
  readonly param?: string | null;
  /** A name of the error, for programs. */
  readonly code?: string | null;
}

/** The statuses of refused and failed requests. */
export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 413 | 415 | 500 | 503;

/** A refusal or a failure, which a client reads in OpenAI's shape. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ErrorStatus;
  readonly #detail: Detail;

  constructor(status: ErrorStatus, message: string, detail: Detail = {}) {
    super(message);
    this.status = status;
    this.#detail = detail;
  }

  get body() {
    const { status, message } = this;
    const {
      type = status < 500 ? 'invalid_request_error' : 'server_error',
      param = null,
      code = null,
    } = this.#detail;
    return { error: { message, type, param, code } };
  }
}

/** Returns the error for a failure while a text is prepared or written. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof UsageError) {
    const message = inFields(error.message);
    const [, named = ''] = /`(\w+)/.exec(message) ?? [];
    return new ApiError(400, message, { param: SETTING_OF.has(named) ? named : null });
  }
  if (error instanceof ResourceError)
    return new ApiError(503, inFields(error.message), { code: 'insufficient_resources' });
  return new ApiError(500, `The server failed: ${error instanceof Error ? error.message : String(error)}`);
}

/** The answer to requests that come, or still wait, while the server stops. */
export function stopping(): ApiError {
  return new ApiError(503, 'The server is stopping', { code: 'server_stopping' });
}
