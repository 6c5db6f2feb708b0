import koffi from 'koffi';

/** The fields of glibc's struct mallinfo2, in bytes. */
const FIELDS = 'arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost'.split(' ');

/**
 * Returns how to ask for the bytes that native code holds, without those that it has freed and malloc keeps for later: the
 * process's memory grows and shrinks by these. Undefined where the C library is not glibc 2.33 or later.
 */
export function openMalloc(): (() => number) | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const [major = 0, minor = 0] = (header.glibcVersionRuntime ?? '').split('.').map(Number);
  if (major < 2 || (major === 2 && minor < 33)) return undefined;
  const type = koffi.struct('mallinfo2', Object.fromEntries(FIELDS.map((name) => [name, 'size_t'])));
  const mallinfo2 = koffi.load('libc.so.6').func('mallinfo2', type, []);
  return () => {
    const { uordblks, hblkhd } = mallinfo2();
    return Number(uordblks) + Number(hblkhd);
  };
}
