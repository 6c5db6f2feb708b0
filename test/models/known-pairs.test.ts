import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { settingsSchema } from '../../src/generation/settings.js';
import { knownPair, knownPairs } from '../../src/models/known-pairs.js';

describe('knownPairs', () => {
  it('reads every entry of the table, each under a name of its own', async () => {
    const table = JSON.parse(await readFile('gguf/pairs.json', 'utf8'));
    const names = (await knownPairs()).map(({ name }) => name);
    expect(names).toHaveLength(table.length);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has a draft model that is smaller than its target, in file and in cache', async () => {
    for (const { target, draft } of await knownPairs()) {
      expect(draft.approximateBytes).toBeLessThan(target.approximateBytes / 2);
      expect(draft.cacheBytesPerToken).toBeLessThan(target.cacheBytesPerToken);
      expect(draft.contextSize).toBeLessThanOrEqual(target.contextSize);
    }
  });

  it('names a repository and a quantisation in every address', async () => {
    for (const { target, draft } of await knownPairs())
      for (const { address } of [target, draft])
        expect(address).toMatch(/^hf:[\w.-]+\/[\w.-]+-GGUF:(Q4_K_M|Q8_0)$/);
  });

  it('recommends settings that generation takes', async () => {
    for (const { settings } of await knownPairs())
      expect(settingsSchema.parse(settings)).toMatchObject(settings);
  });
});

describe('knownPair', () => {
  it('finds a pair by its name', async () => {
    const { target, draft } = await knownPair('llama-3.1-8b');
    expect([target.address, draft.address]).toEqual([
      'hf:bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M',
      'hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
    ]);
  });

  it('refuses another name, and offers one that is near', async () => {
    await expect(knownPair('lama-3.1-8b')).rejects.toThrow(
      /no pair "lama-3\.1-8b"; did you mean llama-3\.1-8b\?/,
    );
    await expect(knownPair('Qwen3')).rejects.toThrow('; did you mean qwen3-8b or qwen3-14b? (');
    await expect(knownPair('smollm2')).rejects.toThrow('; did you mean smollm2-1.7b? (');
    await expect(knownPair('')).rejects.toThrow('no pair "" (mtad pairs lists them)');
    await expect(knownPair('mistral')).rejects.toThrow('no pair "mistral" (mtad pairs lists them)');
  });
});
