"""PromptHub using prompts itself: a model suggests how to refine a draft, a person decides."""
