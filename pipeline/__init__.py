"""The batch workflow: how work is described, placed, executed and stored."""

__version__ = "0.1.0"
