"""Parts of screens: they hold plain data and post messages."""
