"""`rokuon failures`, `retry`, `close`, `reopen`, `accept` and `discard`."""
