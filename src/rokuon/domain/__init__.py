"""Pure rules that use the standard library only and do not depend on a database, a store or a network."""
