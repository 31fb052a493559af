"""What commands share: selectors, sessions, output, subprocesses."""
