"""`rokuon demo`."""
