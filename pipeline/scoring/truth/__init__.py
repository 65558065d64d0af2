"""A run scored against what is known of its videos: a script, or what people described."""
