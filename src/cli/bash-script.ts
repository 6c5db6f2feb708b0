/**
 * The completion script for bash, version 3.2 or later. tab's own script evaluates the words of the command line, so the Tab
 * key would run a $(command) in a prompt and empty the file after a `>`. It also needs the bash-completion package.
 */
export const BASH_SCRIPT = `# bash completion for mtad
_mtad_complete() {
  local current="\${COMP_WORDS[COMP_CWORD]}" word last out
  local -a words=()
  COMPREPLY=()
  [[ \${COMP_WORDS[COMP_CWORD-1]} == *['<>'] ]] && return # a redirection, whose file the shell completes
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do # bash takes --strategy=mtad for three words
    last=$((\${#words[@]} - 1))
    if [[ $last -ge 0 && ( $word == "=" || \${words[last]} == --*= ) ]]; then words[last]+=$word
    else words+=("$word"); fi
  done
  [[ $current == "=" ]] && current=""
  out=$(mtad complete -- "\${words[@]}" 2>/dev/null) || return
  [[ $out == *":4" ]] && compopt +o default 2>/dev/null # no files here
  while IFS=$'\\t' read -r word _; do
    if [[ $word == "$current"* && $word != :* ]]; then COMPREPLY+=("$word"); fi
  done <<< "$out"
}
complete -o default -F _mtad_complete mtad
`;
