"""One installation on one machine: its data folder, its embedded database, its mail."""
