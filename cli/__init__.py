"""The headless front end: stdout carries the result, stderr the rest, the exit code says what kind of thing failed."""
