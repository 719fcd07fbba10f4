"""Auth that takes a network or a vault: OAuth 2 tokens, and signatures for OAuth 1 and AWS."""
