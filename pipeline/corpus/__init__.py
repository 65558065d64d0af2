"""The corpus as files."""
