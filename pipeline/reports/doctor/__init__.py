"""Checks of what a run needs before it starts, and of the timing of its models."""
