"""The roof: wiring only. Nobody imports it."""
