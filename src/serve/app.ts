import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { ResourceError } from '../errors.js';
import type { GenerationResult } from '../generation/events.js';
import type { SettingsInput } from '../generation/settings.js';
import { type Answering, answer } from './answer.js';
import { ApiError, apiErrorOf, stopping } from './api-error.js';
import { bodyOf } from './body.js';
import { chatAnswering } from './chat.js';
import { completionAnswering } from './completion.js';
import { ofJson, ofThisMachine, withKey } from './guards.js';
import { Metrics } from './metrics.js';
import type { ModelNames } from './model-names.js';
import { verify } from './verify.js';
import type { Writer } from './writer.js';

/** The options of the endpoints. */
export interface AppOptions {
  readonly writer: Writer;
  readonly names: ModelNames;
  /** The settings of requests that do not give them. */
  readonly defaults: SettingsInput;
  /** Undefined: no key is needed. */
  readonly apiKey: string | undefined;
  /** Origins of web pages that may read the answers; '*': all; empty: none. */
  readonly cors: readonly string[];
  /** Whether requests must name this machine as their host. */
  readonly isLocal: boolean;
  /** Called with each text that is written. */
  readonly onText: ((result: GenerationResult) => void) | undefined;
}

type Read = (body: unknown, writer: Writer, names: ModelNames, defaults: SettingsInput) => Promise<Answering>;

/** Endpoints that answer with texts. */
const TEXTS: ReadonlyMap<string, Read> = new Map([
  ['/v1/chat/completions', chatAnswering],
  ['/v1/completions', completionAnswering],
]);

/** The endpoints, and the method that each takes. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ...[...TEXTS.keys()].map((path) => [path, 'POST'] as const),
  ['/generate', 'POST'],
  ['/v1/models', 'GET'],
  ['/health', 'GET'],
  ['/metrics', 'GET'],
]);

/** Headers of errors, by their status. The rest of a body that is too long is not read, so its connection must end. */
const HEADERS: ReadonlyMap<number, Record<string, string>> = new Map([
  [413, { Connection: 'close' }],
  [503, { 'Retry-After': '1' }], // seconds
]);

/** The status, in the metrics, of requests whose client left before the answer. nginx uses the same. */
const CLIENT_LEFT = 499;

/** Makes the endpoints. */
export function createApp(options: AppOptions): Hono {
  const { writer, names, defaults, apiKey, cors: origins, isLocal, onText } = options;
  const app = new Hono();
  const metrics = new Metrics();
  const created = Math.floor(Date.now() / 1000); // seconds
  const modelNamed = (id: string) => ({ id, object: 'model', created, owned_by: 'mtad' });

  app.use(async (context, next) => {
    try {
      await next();
    } finally {
      const { path, raw } = context.req;
      metrics.answered(
        METHODS.has(path) ? path : 'other',
        raw.signal.aborted ? CLIENT_LEFT : context.res.status,
      );
    }
  });
  app.onError((error) => {
    const { body, status } = apiErrorOf(error);
    return Response.json(body, { status, headers: HEADERS.get(status) ?? {} });
  });
  if (isLocal) app.use(ofThisMachine);
  if (origins.length > 0)
    app.use(
      cors({
        origin: origins.includes('*') ? '*' : [...origins],
        allowMethods: ['GET', 'POST'],
        maxAge: 600,
      }),
    );
  app.get('/health', () => {
    if (writer.isStopping) throw stopping();
    return Response.json({ status: 'ok' });
  });
  if (apiKey !== undefined) app.use(withKey(apiKey));

  app.get('/v1/models', () => Response.json({ object: 'list', data: names.all.map(modelNamed) }));
  app.get('/v1/models/:name', (context) => {
    const name = context.req.param('name');
    names.settingsOf(name);
    return Response.json(modelNamed(name));
  });
  app.get('/metrics', (context) =>
    context.text(metrics.text(writer), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  for (const [path, read] of TEXTS)
    app.post(path, ofJson, async (context) => {
      const body = await bodyOf(context.req.raw);
      const answering = await read(body, writer, names, defaults).catch(refuse);
      return answer(writer, answering, context.req.raw.signal, (written) => {
        metrics.wrote(written);
        onText?.(written.result);
      });
    });
  app.post('/generate', ofJson, async (context) => {
    const answered = await verify(await bodyOf(context.req.raw), writer, context.req.raw.signal).catch(
      refuse,
    );
    return Response.json(answered);
  });
  app.notFound(({ req: { method, path } }) => {
    const allowed = METHODS.get(path);
    const error = allowed
      ? new ApiError(405, `${path} takes ${allowed}, not ${method}`, { code: 'method_not_allowed' })
      : new ApiError(404, `There is no ${path} here; there are ${[...METHODS.keys()].join(', ')}`, {
          code: 'unknown_url',
        });
    return Response.json(error.body, { status: error.status, headers: allowed ? { Allow: allowed } : {} });
  });
  return app;
}

/** Throws an error of a prompt that does not fit as a fault of the request. Later, a lack of memory is a fault of the server. */
function refuse(error: unknown): never {
  const { message } = apiErrorOf(error).body.error;
  if (error instanceof ResourceError) throw new ApiError(400, message, { code: 'context_length_exceeded' });
  throw error;
}
