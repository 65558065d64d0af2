"""Runs a model with vLLM inside the process that asks."""
