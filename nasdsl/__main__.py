"""`python -m nasdsl`: the command line, where the script is not on the path."""

from nasdsl.cli import main

raise SystemExit(main())
