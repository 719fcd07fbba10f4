"""Checks and captures: what a request says of its answer."""
