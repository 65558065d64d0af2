"""Files of runs: locations, parts, logs, heartbeats, and file formats."""
