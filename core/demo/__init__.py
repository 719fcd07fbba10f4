"""The demo: a workspace, the API it calls, and the vault its secrets come from."""
