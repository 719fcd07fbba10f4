"""One module for each group of subcommands, imported when one of them is used."""
