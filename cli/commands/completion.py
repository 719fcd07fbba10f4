"""`completion`: what a shell reads to complete commands, options, requests, environments and credentials."""

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
@click.option("--for", "line", hidden=True, help="Offer what may follow in this command line.")
@click.option("--word", default="", hidden=True, help="What bash takes for its last word.")
@click.pass_context
@pass_invocation
def completion_command(invocation: Invocation, ctx: click.Context, shell: str, line: str | None, word: str) -> ExitCode:
    """Print the shell's completion script.

    \b
    bash: eval "$(hushpost completion bash)"   in ~/.bashrc
    zsh:  eval "$(hushpost completion zsh)"   in ~/.zshrc, after compinit
    fish: hushpost completion fish > ~/.config/fish/completions/hushpost.fish
    """
    from cli.completing import SCRIPTS, offers

    if line is not None:
        for offer in offers(ctx.find_root().command, invocation, shell, line, word):
            invocation.output.text(f"{offer}\n")
        return ExitCode.OK
    invocation.output.text(SCRIPTS[shell])
    if invocation.output.is_terminal:
        invocation.diagnostics.note(f"to use it: {HOW[shell]}")
    return ExitCode.OK
