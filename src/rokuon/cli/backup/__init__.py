"""`rokuon backup-now` and `rokuon runs`."""
