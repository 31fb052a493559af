"""The command line: one module per group of commands. The only user of click and rich."""
