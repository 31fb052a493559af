"""User actions: each runs in one transaction with its audit log entry."""
