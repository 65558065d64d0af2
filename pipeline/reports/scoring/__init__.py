"""A run scored against the truth of its videos."""
