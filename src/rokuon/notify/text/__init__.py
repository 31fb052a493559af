"""The words of notices and of their mails."""
