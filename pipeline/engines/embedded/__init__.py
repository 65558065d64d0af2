"""A baseline without weights: pixels to facts, facts to answers."""
