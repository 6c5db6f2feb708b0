/** Shows progress on standard error, if that is a terminal. */
export interface Progress {
  readonly enabled: boolean;
  loading(text: string): void;
  /** Tokens of a prompt. */
  prefill(done: number, total: number): void;
  /** Texts of a benchmark. */
  generations(done: number, total: number): void;
  /** @param total undefined: not known */
  texts(done: number, total: number | undefined): void;
  /** Bytes of texts. */
  learning(done: number, total: number): void;
  /** Bytes of a file. */
  download(file: string, done: number, total: number): void;
  /** Clears the line. Call it before you write anything else. A second call does nothing. */
  stop(): void;
}

/** Shows nothing. */
export const SILENT: Progress = {
  enabled: false,
  loading() {},
  prefill() {},
  generations() {},
  texts() {},
  learning() {},
  download() {},
  stop() {},
};
