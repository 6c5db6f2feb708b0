/** Bodies of HTTP requests to `mtad serve`. */
import { loadPair } from '../../src/models/pair.js';
import { startServer } from '../../src/serve/server.js';
import { damagedBytes, oddText, oddValue, pick, some } from './chance.js';
import { type Kind, wrongIn } from './kind.js';

const PATHS = [
  '/v1/completions',
  '/v1/chat/completions',
  '/generate',
  '/v1/models',
  '/health',
  '/metrics',
  '/',
  '//x',
  '/%00',
];
const FIELDS =
  `prompt messages model max_tokens temperature top_p top_k stream stop seed n logprobs response_format
draft_length threshold grammar json_schema tools input_ids sampling_params return_logprob stream_options text user
presence_penalty strategy logit_bias`.split(/\s+/);

export const request: Kind = async () => {
  const pair = await loadPair({ gpu: 'off' });
  const run = { threads: 1, contextSize: 256 };
  const server = await startServer(pair, { port: 0, run, settings: { maxTokens: 4, draftLength: 2 } });
  return async (rng) => {
    const fields = some(5, () => [pick(FIELDS, rng), oddValue(rng)] as const, rng);
    const sound = { prompt: 'Once', messages: [{ role: 'user', content: 'Once' }], max_tokens: 3 };
    const json = Buffer.from(JSON.stringify({ ...sound, ...Object.fromEntries(fields) }));
    const body = pick(
      [
        json,
        json,
        damagedBytes(json, rng),
        Buffer.from(JSON.stringify(oddValue(rng))),
        Buffer.from(oddText(rng)),
      ],
      rng,
    );
    const method = rng() < 0.9 ? 'POST' : pick(['GET', 'DELETE', 'OPTIONS', 'HEAD'], rng);
    const response = await fetch(server.url + pick([...PATHS.slice(0, 3), ...PATHS], rng), {
      method,
      headers: { 'content-type': rng() < 0.95 ? 'application/json' : 'text/plain' },
      ...(method === 'POST' && { body }),
    });
    const text = await response.text();
    const isStream = response.headers.get('content-type')?.includes('event-stream');
    const told = response.ok || isStream ? '' : text;
    const wrong =
      response.status >= 500 ? `status ${response.status}` : wrongIn(told.replace(/\p{Cc}|\p{Cf}/gu, ''), 0);
    return wrong && `${wrong}: ${body.toString().slice(0, 300)}: ${text.slice(0, 300)}`;
  };
};
