"""JSON, YAML and SQLite files."""
