"""Code that all pages of the console share: middleware, guards, headers, errors, static files."""
