"""How times are written for people: as in the API and the logs, so that the three can be compared."""
