"""The engine that asks a server which speaks the OpenAI protocol."""
