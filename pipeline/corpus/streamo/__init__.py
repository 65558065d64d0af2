"""Streamo's own files: raw annotations, and what its converter makes of them."""
