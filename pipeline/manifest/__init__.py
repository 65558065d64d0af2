"""From the annotation files of public datasets to manifests."""
