"""The one read path: which text is meant, where it came from, and how often it was fetched."""
