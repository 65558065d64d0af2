"""Scripted scenes: videos rendered from scripts, and what is true of them."""
