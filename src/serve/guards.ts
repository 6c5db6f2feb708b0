import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { ApiError } from './api-error.js';
import { isLoopback } from './options.js';

/**
 * Refuses requests that name another host. With a host name that leads to 127.0.0.1 (DNS rebinding), any web page could read
 * the answers.
 */
export const ofThisMachine: MiddlewareHandler = async (context, next) => {
  const host = context.req.header('host') ?? '';
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (!isLoopback(name.toLowerCase()))
    throw new ApiError(
      403,
      `This server is for its own machine, and ${JSON.stringify(host)} is no name of that`,
      {
        code: 'wrong_host',
      },
    );
  await next();
};

/** Refuses requests without the key. */
export function withKey(key: string): MiddlewareHandler {
  const wanted = hashOf(key);
  return async (context, next) => {
    const [, given] = /^Bearer +(.+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
    if (given === undefined || !timingSafeEqual(hashOf(given), wanted))
      throw new ApiError(
        401,
        `${given === undefined ? 'An API key is needed' : 'The API key is wrong'}: send Authorization: Bearer <key>`,
        {
          code: 'invalid_api_key',
        },
      );
    await next();
  };
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Refuses bodies that are not JSON, since web pages of any origin may send them without permission. */
export const ofJson: MiddlewareHandler = async (context, next) => {
  const type = context.req.header('content-type') ?? '';
  if (!/^application\/json *(;|$)/i.test(type))
    throw new ApiError(
      415,
      `The body must be application/json, not ${type === '' ? 'without a Content-Type' : JSON.stringify(type)}`,
      {
        code: 'unsupported_media_type',
      },
    );
  await next();
};
