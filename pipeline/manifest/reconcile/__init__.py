"""Reconciles the videos of several sources: identity, hold-outs, allocation."""
