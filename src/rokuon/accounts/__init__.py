"""Who may do what: people, their roles, their sessions, and the log of what they did. The only package that knows allauth."""
