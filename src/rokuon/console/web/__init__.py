"""What every page of the console shares: middleware, guards, headers, errors, static files."""
