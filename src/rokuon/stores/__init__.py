"""Where recordings go. `registry.open_store` turns a bucket's URL into a `domain.ports.Store`; `verification.verify` proves that it works.

A further kind of store is one module with the methods of `Store`, one scheme in `registry`, one entry in `tests/conformance`.
"""
