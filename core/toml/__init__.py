"""The TOML files of workspaces and of the user: typed when read, comments and order kept when written."""
