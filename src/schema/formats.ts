const HEX = '[0-9a-fA-F]';
const BYTE = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9]{2} | [1-9] [0-9] | [0-9])';
const LABEL = '[a-zA-Z0-9] ([a-zA-Z0-9-]{0,61} [a-zA-Z0-9])?';
const HOST = `${LABEL} ("." ${LABEL})*`;
const WORD = '[a-zA-Z0-9_+-]{1,32}';

/** What a string of each format is, in GBNF without its quotes. The converter itself knows dates and times. */
export const FORMATS: ReadonlyMap<string, string> = new Map([
  ['uuid', `${HEX}{8} "-" ${HEX}{4} "-" ${HEX}{4} "-" ${HEX}{4} "-" ${HEX}{12}`],
  ['email', `${WORD} ("." ${WORD})* "@" ${LABEL} ("." ${LABEL})+`],
  ['hostname', HOST],
  ['ipv4', `${BYTE} "." ${BYTE} "." ${BYTE} "." ${BYTE}`],
  ['uri', `"http" "s"? "://" ${HOST} (":" [1-9] [0-9]{0,3})? ("/" [a-zA-Z0-9._~=&-]{0,64})*`],
]);
