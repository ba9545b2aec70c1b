"""`python -m tessera_env` is the command `tessera`."""

import sys

from tessera_env.cli.program import main

sys.exit(main())
