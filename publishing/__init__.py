"""Sealed text leaves the house: targets, placements, deliveries and drift."""
