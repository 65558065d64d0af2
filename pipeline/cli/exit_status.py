"""What a command's exit status says."""

DONE, FAILED, USAGE, PARTLY = 0, 1, 2, 3
