"""Adapters of datasets, one a module, and their licences."""
