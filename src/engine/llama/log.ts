export type LogListener = (isError: boolean, text: string) => void;

/** Listeners of llama.cpp's log. It logs for the whole process, not for each model. */
export const logListeners = new Set<LogListener>();

/** Tells all listeners of a line. */
export function tellListeners(isError: boolean, text: string): void {
  for (const listener of logListeners) listener(isError, text);
}
