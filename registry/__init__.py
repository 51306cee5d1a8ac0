"""Sets of text: bundles of prompts, the releases cut of them, and the names that point at releases."""
