"""What a run needs, checked before it spends anything, and how well each model keeps time."""
