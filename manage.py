#!/usr/bin/env python3
"""Django's command line for PromptHub."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prompthub.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as wrong:
        sys.exit(f"PromptHub does not start: {str(wrong).removesuffix('.')}.")
    except DatabaseError as error:
        from foundation.database_errors import cause  # reads the settings

        if not (why := cause(error)):
            raise
        sys.exit(why)


if __name__ == "__main__":
    main()
