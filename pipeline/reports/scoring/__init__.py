"""A run compared with what is true of its videos."""
