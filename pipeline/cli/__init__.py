"""The command line: a verb, or a family of verbs, a file."""
