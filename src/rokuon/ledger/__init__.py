"""The ledger: every recording's fate. It is the truth; the job queue is not."""
