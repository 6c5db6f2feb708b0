import { apiErrorOf } from './api-error.js';

/**
 * Returns a response of server-sent events. The events of a slow reader wait in memory, so that other texts do not wait for
 * it.
 * @param write sends all events; its failure becomes the last event
 */
export function eventStream(write: (send: (data: object) => void) => Promise<void>): Response {
  const encoder = new TextEncoder();
  let isRead = true;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const line = (data: string) => {
        if (isRead) controller.enqueue(encoder.encode(`data: ${data}\n\n`));
      };
      void write((data) => line(JSON.stringify(data)))
        .catch((error: unknown) => line(JSON.stringify(apiErrorOf(error).body)))
        .then(() => {
          line('[DONE]');
          if (isRead) controller.close();
        });
    },
    cancel() {
      isRead = false;
    },
  });
  return new Response(body, {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache',
      'X-Accel-Buffering': 'no', // nginx would hold events back
    },
  });
}
