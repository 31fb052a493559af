"""Composition root: connects the use cases with database, Dialpad, stores, queue and installation."""
