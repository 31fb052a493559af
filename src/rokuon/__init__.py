"""Rokuon backs up the call recordings of the contact centers that a Dialpad company chooses, and proves that none is missing."""

__version__ = "0.1.0"
