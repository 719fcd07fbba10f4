"""Reads requests that other tools wrote."""
