"""Set-up of a company, from a new installation to the first verified recording."""
