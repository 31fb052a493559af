"""Backup rules: which targets are backed up automatically."""
