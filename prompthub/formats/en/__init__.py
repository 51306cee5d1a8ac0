"""English, with times as in RFC 3339."""
