"""`rokuon notices`."""
