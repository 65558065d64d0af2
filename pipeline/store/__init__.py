"""Where the files of a run lie, and how they are written and read."""
