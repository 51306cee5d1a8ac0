"""German, with the times of an English page: to the second, in UTC."""
