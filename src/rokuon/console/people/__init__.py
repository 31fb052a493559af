"""People, roles and invitations."""
