"""The command line: one module per group of commands. The only package that uses click and rich."""
