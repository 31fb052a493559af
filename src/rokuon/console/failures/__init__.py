"""Recordings that are not backed up, by cause, and the actions on them."""
