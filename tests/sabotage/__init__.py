"""Proof that the tests guard what they say they guard: ``python -m tests.sabotage`` (``make sabotage``)."""
