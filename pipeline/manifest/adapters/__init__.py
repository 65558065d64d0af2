"""What the adapters of datasets in ``data_manifest`` are built from."""
