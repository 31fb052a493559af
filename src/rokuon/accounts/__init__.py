"""People, their roles, their sessions, and the audit log. The only package that imports allauth."""
