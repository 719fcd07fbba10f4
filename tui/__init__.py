"""The terminal app: screens over one Session; nothing here talks to a network, a vault or a file by itself."""
