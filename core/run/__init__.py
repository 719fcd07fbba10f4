"""Runs of many requests: their order, their data, and what can be settled before they start."""
