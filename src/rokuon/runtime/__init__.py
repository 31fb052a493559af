"""One installation on one machine: its folder, its embedded database, its mail."""
