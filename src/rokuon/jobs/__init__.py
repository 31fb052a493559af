"""Work distribution: the only user of Procrastinate. Jobs carry ids, never facts: what to do is read from the ledger."""
