"""Pure rules of PromptHub: no Django, no input or output. Shared by the server and its client library."""
