"""`completion`: what a shell reads to complete commands, options, requests and environments."""

from __future__ import annotations

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation

HOW = {
    "bash": 'eval "$(hushpost completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(hushpost completion zsh)"   in ~/.zshrc, after compinit',
    "fish": "hushpost completion fish > ~/.config/fish/completions/hushpost.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(HOW)))
@click.pass_context
@pass_invocation
def completion_command(invocation: Invocation, ctx: click.Context, shell: str) -> ExitCode:
    """Print the shell's completion script.

    \b
    bash: eval "$(hushpost completion bash)"   in ~/.bashrc
    zsh:  eval "$(hushpost completion zsh)"   in ~/.zshrc, after compinit
    fish: hushpost completion fish > ~/.config/fish/completions/hushpost.fish
    """
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"there is no completion for {shell}")
    script = completion(ctx.find_root().command, {}, "hushpost", "_HUSHPOST_COMPLETE").source().strip()
    # Bash puts a completion on the command line as it is: a file named by a stranger must not become a command.
    script = script.replace("COMPREPLY+=($value)", 'COMPREPLY+=("$(printf %q "$value")")')
    invocation.output.text(f"{script}\n")
    if invocation.output.is_terminal:
        invocation.diagnostics.note(f"to use it: {HOW[shell]}")
    return ExitCode.OK
