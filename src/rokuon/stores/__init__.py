"""Stores for recordings. `registry.kind_of(url).open` opens a bucket as a `domain.ports.Store`; `verification.verify` proves that it works.

To add a kind of store, write one module with the methods of `Store`, one `StoreKind` in `registry.KINDS`, one entry in `tests/conformance`.
"""
