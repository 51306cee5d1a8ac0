"""Rows of several rooms, put together the way a page shows them."""
