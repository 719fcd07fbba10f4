"""Secrets from external vaults, and the encrypted store of the credentials for them."""
