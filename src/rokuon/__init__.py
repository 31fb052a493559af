"""Rokuon backs up every call recording of a Dialpad company and proves that none is missing."""

__version__ = "0.1.0"
