"""Entries of several sources made one list: identity, hold-outs, allocation."""
