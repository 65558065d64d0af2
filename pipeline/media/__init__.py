"""Reading videos: facts of a file, and the frames on screen at given times."""
