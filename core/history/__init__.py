"""Exchanges kept, masked and sealed; compared, and made requests again."""
