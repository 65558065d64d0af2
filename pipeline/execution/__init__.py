"""How parts are made: executors, workers, journals, retries."""
