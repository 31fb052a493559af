"""The web console: the admin's tasks of the help article, page by page."""
