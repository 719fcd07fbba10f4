"""Writes requests for other tools."""
