"""Utilities for every layer: languages, secrets, logs, addresses. They depend on no layer."""
