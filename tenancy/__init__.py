"""Who acts, for whom, and may they: clients, projects, service tokens and the one policy module."""
