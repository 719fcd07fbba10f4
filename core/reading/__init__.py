"""Reading the body of an answer: what it is, laid out, as rows of text that need no memory, searched and filtered."""
