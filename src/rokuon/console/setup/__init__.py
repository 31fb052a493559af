"""From a new installation to the first verified recording."""
