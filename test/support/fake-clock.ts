/** A clock that moves on by one millisecond each time it is read. */
export function fakeClock(): () => number {
  let ms = 0;
  return () => ms++;
}
