"""From a request with its variables to an answer: built, checked, sent hop by hop, received."""
