const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** A size as people say it, in three digits: 4.92 GB, 808 MB. */
export function bytesText(bytes: number): string {
  let power = 0;
  while (Math.round(bytes / 1000 ** power) >= 1000 && power < UNITS.length - 1) power++;
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${UNITS[power]}`;
}
