"""Reports on a run and on what it needs; they change nothing."""
