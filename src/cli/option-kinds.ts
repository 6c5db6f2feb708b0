import { InvalidArgumentError, Option } from 'commander';

/** @param named what else may stand for a number */
export function whole(
  flags: string,
  description: string,
  min: number,
  named: ReadonlyMap<string, number> = new Map(),
): Option {
  return new Option(flags, description).argParser((text) => {
    const other = named.get(text);
    if (other !== undefined) return other;
    const value = text.trim() === '' ? Number.NaN : Number(text); // Number('') is 0, which nobody means
    if (!Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`It must be a whole number, ${min} or more.`);
    return value;
  });
}

/** llama.cpp's words for these choices. */
const ON_OFF_AUTO: ReadonlyMap<string, 'on' | 'off' | 'auto'> = new Map([
  ...['on', 'enabled', 'true', '1'].map((word) => [word, 'on'] as const),
  ...['off', 'disabled', 'false', '0'].map((word) => [word, 'off'] as const),
  ...['auto', '-1'].map((word) => [word, 'auto'] as const),
]);

/**
 * Makes an option a choice of three, also in llama.cpp's words.
 * @param values what each is called here, which is what the option gives
 */
export function choice(
  option: Option,
  values: Readonly<Record<'auto' | 'on' | 'off', string>> = { auto: 'auto', on: 'on', off: 'off' },
): Option {
  const parse = option.choices(Object.values(values)).parseArg!;
  return option.default(values.auto).argParser((text, previous) => {
    const meant = ON_OFF_AUTO.get(text);
    return parse(meant ? values[meant] : text, previous);
  });
}
