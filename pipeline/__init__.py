"""The batch workflow: how work is described, placed, executed and stored."""
