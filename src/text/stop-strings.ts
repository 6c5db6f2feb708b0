/** Looks for stop strings in a growing text. Text that may be the beginning of a stop string is held back. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** @returns the text that can be shown, and whether a stop string followed it */
  push(text: string): { shown: string; stopped: boolean } {
    this.#held += text;
    const starts = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((start) => start >= 0);
    if (starts.length > 0) return { shown: this.#take(Math.min(...starts)), stopped: true };
    return { shown: this.#take(this.#held.length - this.#undecided()), stopped: false };
  }

  /** @returns the text that was held back, at the end of the text */
  flush(): string {
    return this.#take(this.#held.length);
  }

  #take(length: number): string {
    const shown = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return shown;
  }

  /** @returns the length of the longest end of the text that is the beginning of a stop string */
  #undecided(): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let n = Math.min(longest, this.#held.length); n > 0; n--)
      if (this.#stops.some((stop) => stop.startsWith(this.#held.slice(-n)))) return n;
    return 0;
  }
}
