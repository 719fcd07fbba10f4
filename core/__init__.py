"""hushpost's library: workspaces, vaults and sending, without a front end; app and command line are its customers."""
