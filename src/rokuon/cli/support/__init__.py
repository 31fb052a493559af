"""Helpers that commands share: selectors, sessions, output, subprocesses."""
