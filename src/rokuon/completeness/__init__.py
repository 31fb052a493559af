"""Completeness of a backup: gaps in the knowledge about it, and the statements that may be made."""
