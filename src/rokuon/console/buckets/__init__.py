"""Buckets: registration, verification, credentials."""
