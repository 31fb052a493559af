"""`rokuon doctor` and its checks."""
