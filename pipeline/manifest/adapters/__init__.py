"""The building blocks of the adapters in ``data_manifest``."""
