"""Inventories: compare whole buckets with the ledger, and find out what became of what differs."""
