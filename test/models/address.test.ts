import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { addressText, hubEndpoint, parseAddress, withoutSecrets } from '../../src/models/address.js';

const HUB = new URL('https://huggingface.co/');

describe('parseAddress', () => {
  it.each([
    ['hf:user/repo', 'hf:user/repo'],
    ['HF:user/repo', 'hf:user/repo'],
    ['hf://user/repo', 'hf:user/repo'],
    ['huggingface:user/repo:Q4_K_M', 'hf:user/repo:Q4_K_M'],
    ['hf:user/repo:latest', 'hf:user/repo'],
    ['hf.co/user/repo:Q8_0', 'hf:user/repo:Q8_0'],
    ['huggingface.co/user/repo', 'hf:user/repo'],
    ['hf:user/repo/a b/file.gguf#v2', 'hf:user/repo/a b/file.gguf#v2'],
    ['hf:user/repo/file.GGUF#main', 'hf:user/repo/file.GGUF'],
    ['https://huggingface.co/user/repo', 'hf:user/repo'],
    ['https://huggingface.co/user/repo?show_file_info=a%2Ffile-Q8_0.gguf', 'hf:user/repo/a/file-Q8_0.gguf'],
    ['https://huggingface.co/user/repo/blob/main/a/file.gguf?x=1', 'hf:user/repo/a/file.gguf'],
    ['https://hf.co/user/repo/resolve/v2/file.gguf?download=true', 'hf:user/repo/file.gguf#v2'],
    ['https://example.org/a/file.gguf?key=secret#x', 'https://example.org/a/file.gguf'],
    ['http://127.0.0.1:8000/file.gguf', 'http://127.0.0.1:8000/file.gguf'],
    [' hf:user/repo\n', 'hf:user/repo'],
  ])('%s is %s', (name, text) => {
    expect(addressText(parseAddress(name, HUB)!)).toBe(text);
  });

  it.each([
    'llama.gguf',
    './hf/user/repo',
    '/models/a.gguf',
    'C:\\models\\a.gguf',
    'hf',
    'C:/a.gguf',
    'C://a.gguf',
  ])('%s is a path', (name) => {
    expect(parseAddress(name, HUB)).toBeUndefined();
  });

  it.each([
    'hf:',
    'hf:user',
    'hf:user/',
    'hf:user/repo:',
    'hf:user/repo:Q4:Q5',
    'hf:user/repo:Q4#branch',
    'hf:user/repo:Q4/file.gguf',
    'hf:user/repo/readme.md',
    'hf:../../repo',
    'hf:user/repo/../../../etc/file.gguf',
    'hf:user/repo/a\\..\\file.gguf',
    'hf:user/repo/file.gguf#../..',
    'https://example.org/page.html',
    'https://example.org/..%2f..%2fetc%2ffile.gguf',
    'https://huggingface.co/user/repo/resolve/main/..%2f..%2ffile.gguf',
    'https://huggingface.co/user/repo/tree/main',
    'https://huggingface.co/user/repo?show_file_info=readme.md',
    'https://huggingface.co/user/repo?show_file_info=..%2Ffile.gguf',
    'https://huggingface.co/user/repo?file=file.gguf',
    'hf:user/repo/NUL.gguf',
    'https://example.org/com1.gguf',
    'https://',
    'ftp://example.org/file.gguf',
    'https://example.org/%zz.gguf',
    'https://huggingface.co/user/repo/resolve/main/%zz.gguf',
  ])('%s is refused, with the forms that are understood', (name) => {
    expect(() => parseAddress(name, HUB)).toThrow(UsageError);
    expect(() => parseAddress(name, HUB)).toThrow(/hf:user\/repo:Q4_K_M/);
  });

  it('repeats no password and no query', () => {
    const refusal = (name: string) => {
      try {
        parseAddress(name, HUB);
      } catch (error) {
        return (error as Error).message;
      }
      return expect.unreachable();
    };
    for (const name of [
      'https://me:secret@example.org/file.gguf',
      'https://example.org/file.zip?key=secret',
      ' https://example.org/file.zip?key=secret',
      'https://me:secret@',
      'https://me:s3c/secret+@example.org/file.gguf',
      'https:/me:secret@exa mple.org/file.gguf',
      'ftp://me:secret@example.org/file.gguf?key=secret',
      'hf:user/repo?key=secret',
      'hf.co/user/repo/resolve/main/file.gguf?key=secret',
      'https://huggingface.co/user/repo/resolve/main/file.zip?key=secret#secret',
    ]) {
      expect(refusal(name)).not.toContain('secret');
      expect(withoutSecrets(name)).not.toContain('secret');
    }
  });

  it.each([
    'hf:user/repo/file.gguf#branch',
    './what?/file#1.gguf',
    '/models/a@b.gguf',
    'C:\\models\\a?.gguf',
  ])('%s is shown whole', (name) => {
    expect(withoutSecrets(name)).toBe(name);
  });

  it('knows the files of another hub', () => {
    const hub = hubEndpoint({ HF_ENDPOINT: 'https://mirror.example' });
    expect(addressText(parseAddress('https://mirror.example/user/repo/resolve/main/file.gguf', hub)!)).toBe(
      'hf:user/repo/file.gguf',
    );
  });

  it.each(['mirror', 'localhost:8080', 'file:///mirror', 'https://me:secret@mirror.example'])(
    'takes no hub at %s, and does not repeat it',
    (HF_ENDPOINT) => {
      const look = () => hubEndpoint({ HF_ENDPOINT });
      expect(look).toThrow(UsageError);
      expect(look).not.toThrow(/mirror|localhost|secret/);
    },
  );
});
