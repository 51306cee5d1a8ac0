"""The door for people: operators see, write, publish and check their clients' prompts here."""
