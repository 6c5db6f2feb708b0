import { UsageError } from '../../errors.js';

/**
 * Bounds of the ways in which a text may go on. llama.cpp keeps each way apart, also those that begin alike, and follows them
 * all for each token: 8,000 take seconds. In a row of n optional parts a word of d letters has n over d ways.
 */
const MOST = { ways: 10_000, optional: 50 };

const TOKENS =
  /"(?:\\.|[^"\\])*"?|!?<[^>]*>|\[(?:\\.|[^\]\\])*\]?|#[^\r\n]*|::=|[()|.*+?]|\{[^}]*\}?|[a-zA-Z0-9-]+/gs;

/** A rule, or what stands in brackets. */
interface Rule {
  readonly name: string;
  readonly alternatives: Part[][];
}

interface Part {
  /** As it is written; of brackets a bracket. */
  readonly text: string;
  /** What stands in its brackets; undefined: it has none. */
  readonly group?: Rule;
  isOptional: boolean;
}

/**
 * Refuses grammars for whose ways llama.cpp would need minutes, or more memory than there is. Where it is not sure, it lets them
 * pass: a rule that may be empty by itself does not count as optional.
 * @throws UsageError
 */
export function checkWays(gbnf: string): void {
  const rules = rulesOf(gbnf);
  const named = new Map(rules.map((rule) => [rule.name, rule]));
  const inside = (part: Part) => part.group ?? named.get(part.text);
  const ways = waysOf(allOf(rules), inside);
  const beginningWith = (part: Part) => {
    const rule = inside(part);
    return rule ? (ways.get(rule) ?? 0) : 1;
  };
  for (const rule of ways.keys())
    for (const parts of rule.alternatives) {
      checkRow(rule, parts);
      let from = 0; // the ways from here on
      for (const part of parts.toReversed()) {
        from = beginningWith(part) + (part.isOptional ? from : 0);
        if (Math.max(from, ways.get(rule)!) > MOST.ways)
          throw new UsageError(
            `The grammar has more than ${MOST.ways} ways to go on in the rule ${rule.name}; write once, before the alternatives, what they begin with`,
          );
      }
    }
}

/** Ranges mostly share characters; other parts are alike where they are written alike. */
function checkRow({ name }: Rule, parts: readonly Part[]): void {
  let alike = new Map<string, number>();
  for (const { text, isOptional } of parts) {
    if (!isOptional) alike = new Map();
    else if (text !== '(') {
      const kind = text.startsWith('[') || text === '.' ? '[' : text;
      const count = (alike.get(kind) ?? 0) + 1;
      alike.set(kind, count);
      if (count > MOST.optional)
        throw new UsageError(
          `The grammar has more than ${MOST.optional} optional parts in a row in the rule ${name}; write [a-z]{0,9} for [a-z]? nine times`,
        );
    }
  }
}

/** @returns the number of ways in which each rule may begin, of those that begin with themselves none */
function waysOf(rules: readonly Rule[], inside: (part: Part) => Rule | undefined): Map<Rule, number> {
  const users = new Map<Rule, Rule[]>(rules.map((rule) => [rule, []]));
  const missing = new Map<Rule, number>();
  for (const rule of rules) {
    const begun = beginnings(rule).flatMap((part) => inside(part) ?? []);
    missing.set(rule, begun.length);
    for (const one of begun) users.get(one)!.push(rule);
  }
  const ways = new Map<Rule, number>();
  const ready = rules.filter((rule) => missing.get(rule) === 0);
  for (const rule of ready) {
    const each = beginnings(rule).map((part) => {
      const below = inside(part);
      return below ? ways.get(below)! : 1;
    });
    ways.set(
      rule,
      each.reduce((sum, one) => sum + one, 0),
    );
    for (const user of users.get(rule)!) {
      missing.set(user, missing.get(user)! - 1);
      if (missing.get(user) === 0) ready.push(user);
    }
  }
  return ways;
}

/** @returns the parts with which a text of a rule may begin */
function beginnings({ alternatives }: Rule): Part[] {
  return alternatives.flatMap((parts) => {
    const first = parts.findIndex(({ isOptional }) => !isOptional);
    return first < 0 ? parts : parts.slice(0, first + 1);
  });
}

function allOf(rules: readonly Rule[]): Rule[] {
  const all = [...rules];
  for (const { alternatives } of all)
    for (const parts of alternatives) for (const { group } of parts) if (group) all.push(group);
  return all;
}

/** Reads a grammar, right or wrong. What is wrong llama.cpp says. */
function rulesOf(gbnf: string): Rule[] {
  const rules: Rule[] = [];
  let open: Rule[] = [{ name: '', alternatives: [[]] }]; // the rule, and the brackets in it
  for (const [text] of gbnf.matchAll(TOKENS)) {
    const parts = open.at(-1)!.alternatives.at(-1)!;
    const last = parts.at(-1);
    if (text.startsWith('#')) continue;
    if (text === '::=') {
      const rule = { name: parts.pop()?.text ?? '', alternatives: [[]] };
      rules.push(rule);
      open = [rule];
    } else if (text === '|') open.at(-1)!.alternatives.push([]);
    else if (text === ')') open.length > 1 && open.pop();
    else if (text === '(') {
      const group = { name: open[0]!.name, alternatives: [[]] };
      parts.push({ text, group, isOptional: false });
      open.push(group);
    } else if (/^[*+?{]/.test(text)) {
      if (last) last.isOptional ||= /^([*?]|\{\s*0+\s*[,}])/.test(text);
    } else parts.push({ text, isOptional: text === '""' });
  }
  return rules;
}
