"""What people do: each action in one transaction with its line of the audit log."""
