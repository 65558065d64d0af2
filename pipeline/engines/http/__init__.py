"""Asks a server that speaks the OpenAI protocol."""
