"""What a model says to a stream, scored against what a corpus expects, by the field's measures."""
