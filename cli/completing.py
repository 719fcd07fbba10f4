"""What a shell offers for the last word of a command line, and the scripts with which bash, zsh and fish ask for it.

    TAB ─► the shell's function ─► hushpost completion SHELL --for LINE ─► a line for each offer ─► the shell

A line is `=VALUE`, with a tab and a description where there is one; or it says what else to offer, `dir` or `file`, or
that what is chosen is not the end of the word: `nospace`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.shell_completion import ShellComplete, split_arg_string

SCRIPTS = {
    "bash": """\
_hushpost_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            nospace) compopt -o nospace 2>/dev/null ;;
            =*) COMPREPLY+=("${line#=}") ;;
        esac
    done < <("$1" completion bash --for "${COMP_LINE:0:COMP_POINT}" --word "${COMP_WORDS[COMP_CWORD]}" 2>/dev/null)
}
complete -o nosort -F _hushpost_completion hushpost 2>/dev/null || complete -F _hushpost_completion hushpost
""",
    "zsh": """\
#compdef hushpost
_hushpost() {
    local line
    local -a ends shown open
    while IFS= read -r line; do
        case $line in
            (dir) _path_files -/ ;;
            (file) _path_files ;;
            ("="*[/=]) open+=("${line[2,-1]}") ;;
            ("="*) ends+=("${line[2,-1]%%$'\\t'*}"); shown+=("${line[2,-1]/$'\\t'/  -- }") ;;
        esac
    done < <("${words[1]}" completion zsh --for "${(j: :)words[1,CURRENT-1]} ${QIPREFIX}${PREFIX}" 2>/dev/null)
    (( $#open )) && compadd -V open -S '' -a open
    (( $#ends )) && compadd -V ends -l -d shown -a ends
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _hushpost "$@"
else
    compdef _hushpost hushpost
fi
""",
    "fish": """\
function __hushpost_complete
    set -l line (commandline -cp | string collect)
    for offer in (hushpost completion fish --for "$line" 2>/dev/null)
        switch $offer
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case '=*'
                string sub -s 2 -- $offer
        end
    end
end
complete -c hushpost -f -a '(__hushpost_complete)'
""",
}

_PLAIN = re.compile(r"[^A-Za-z0-9_@%+,./-]")
_BREAKS = "=:"
"""Characters at which bash begins a new word."""


def offers(command: click.Command, obj: object, shell: str, line: str, word: str) -> Iterator[str]:
    """The lines for the shell; `word` is what bash takes for the last word, and will replace."""
    words = split_arg_string(line)
    incomplete = words.pop() if words and not _ends_with_a_gap(line) else ""
    items = ShellComplete(command, {"obj": obj}, "hushpost", "").get_completions(words[1:], incomplete)
    plain = [item for item in items if item.type == "plain"]
    yield from {item.type: None for item in items if item.type in ("dir", "file")}
    option = incomplete[: incomplete.find("=") + 1] if incomplete.startswith("--") else ""
    if plain and all(item.value.endswith(("/", "=")) for item in plain):
        yield "nospace"
    for item in plain:
        value = option + item.value
        if shell == "bash":
            yield f"={_for_bash(value, incomplete, word)}"
        else:
            yield f"={value}\t{item.help}" if item.help else f"={value}"


def _for_bash(value: str, incomplete: str, word: str) -> str:
    """What stands in the word's place: bash takes it as it is, and may have begun the word inside of ours."""
    quote = word[:1] if word[:1] in ("'", '"') else ""
    if quote:
        return value.replace("'", "'\\''") if quote == "'" else re.sub(r'(["\\$`!])', r"\\\1", value)
    begun = "" if word in _BREAKS else (split_arg_string(word) or [""])[-1]
    before = len(incomplete) - len(begun) if incomplete.endswith(begun) else 0
    return _PLAIN.sub(r"\\\g<0>", value[before:])


def _ends_with_a_gap(line: str) -> bool:
    """Whether the last word is yet to begin."""
    quote = ""
    escaped = gap = False
    for letter in line:
        gap = letter.isspace() and not quote and not escaped
        if escaped or (letter == "\\" and quote != "'"):
            escaped = not escaped
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
    return gap
