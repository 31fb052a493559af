"""The ledger: the record of every recording's fate. The ledger is authoritative; the job queue is not."""
