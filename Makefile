# Thin aliases of make.py, which works without make too: python3 make.py <command>
# Arguments: make test ARGS="--only sqlite -- -k publish"

PYTHON ?= python3
COMMANDS := run test shots check fix docs openapi messages verdict sabotage faults fuzz soak bench clean help

.DEFAULT_GOAL := help
.PHONY: $(COMMANDS)

$(COMMANDS):
	@$(PYTHON) make.py $@ $(ARGS)
