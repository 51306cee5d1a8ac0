"""What people type in, before it goes to a verb."""
