"""The web console: what an admin does in the help article, page by page."""
