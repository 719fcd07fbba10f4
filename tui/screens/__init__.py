"""What the app shows one at a time: a screen talks to the session, the widgets below it never do."""
