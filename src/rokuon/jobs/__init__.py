"""Job queue: the only package that uses Procrastinate. Jobs contain ids, never facts: they read what to do from the ledger."""
