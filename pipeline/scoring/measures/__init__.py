"""The measures of the field: a public module each, which has it as ``MEASURE``."""
