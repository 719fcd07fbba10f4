"""The terminal itself and what surrounds it: what it shows, what it sends, its clipboard, editor, pager and end."""
