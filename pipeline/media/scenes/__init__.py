"""Scripted scenes: videos rendered from scripts, with their ground truth."""
