"""Video in: what a file holds, and the frame shown at a time."""
