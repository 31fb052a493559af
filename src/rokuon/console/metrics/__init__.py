"""Metrics for monitoring."""
