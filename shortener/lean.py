"""What a server leaves out of its memory. Imported by its program before anything else, and by nobody but that."""

import sys

# structlog loads rich, where it is installed, to draw tracebacks; ours are plain, and it takes 3 MB of every process.
# Such an entry lets the import fail as if it were not installed, which structlog expects.
sys.modules["rich"] = None  # type: ignore[assignment]
