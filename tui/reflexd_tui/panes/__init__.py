"""What belongs to the tenant that is chosen in the Tenants view: a table each, and what can be done there."""
