"""Where tasks run: on this machine, or on Ray."""
