"""The tests. A real package, because an installed distribution may carry a ``tests`` of its own."""
