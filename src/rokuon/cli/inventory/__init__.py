"""`rokuon inventory`: compare a bucket with the ledger, and show what was found."""
