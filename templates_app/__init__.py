"""The bricks: templates, their drafts, and their sealed versions."""
