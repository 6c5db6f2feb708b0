/** The most spaces in a row. Without a bound, a model could write spaces for ever. */
const MOST_SPACES = 20;

/** Returns the grammar of JSON objects, in llama.cpp's notation, for requests that name no schema. */
export function anyJson(): string {
  return String.raw`root ::= object
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array ::= "[" ws (value ("," ws value)*)? "]" ws
string ::= "\"" ([ !#-[\]-~\u0080-\uD7FF\uE000-\U0010FFFF] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})? ws
ws ::= [ \n]{0,${MOST_SPACES}}
`;
}
