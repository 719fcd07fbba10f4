"""A workspace on disk: its tree, requests, folders and environments, and changes that can be taken back."""
