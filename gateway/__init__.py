"""The door for programs: REST, problem details, health; it translates and decides nothing."""
