"""The engine that runs a model with vLLM in this process."""
