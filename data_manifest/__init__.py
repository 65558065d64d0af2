"""Where manifests come from: one module a dataset, and the ledger of their licences."""
