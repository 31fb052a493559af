"""Who is backed up: company, offices, contact centers, coaching teams, the settings tree and the backup rules."""
