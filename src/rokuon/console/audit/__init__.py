"""The audit log and the log of sign-ins."""
