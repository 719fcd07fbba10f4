"""hushpost's library: workspaces, vaults and sending, with no front end; the app and the command line are its customers."""
