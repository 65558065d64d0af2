"""What came out of a run, told to people."""
