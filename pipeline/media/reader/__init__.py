"""The process that opens and decodes video files."""
