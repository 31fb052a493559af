"""`rokuon drill`: the restore drill on the command line."""
