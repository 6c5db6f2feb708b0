import type { BenchmarkReport, Generation } from '../report.js';
import { snake } from './json.js';

/** A line for each generation, and the report at the end. */
export function jsonLines(report: BenchmarkReport): string {
  return report.generations.map(jsonLine).join('') + jsonLastLine(report);
}

/** One line of JSON Lines: a generation as it comes. */
export function jsonLine(generation: Generation): string {
  return `${JSON.stringify({ type: 'generation', ...snake(generation) })}\n`;
}

/** The last line: the report without the generations, which came before. */
export function jsonLastLine({ generations: _, ...report }: BenchmarkReport): string {
  return `${JSON.stringify({ type: 'report', ...snake(report) })}\n`;
}
