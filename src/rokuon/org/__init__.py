"""The backed-up organisation: company, offices, contact centers, coaching teams, the settings tree and the backup rules."""
