"""Text for one client: drafts, sealed versions, the active one, and the history of that pointer."""
