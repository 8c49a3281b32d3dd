"""The only SQL. Functions take a connection, return domain objects, and never commit: services do."""
