"""Bring down what is new, and say what failed: a script for a timer.

    python script.py FOLDER URI…

It knows what the command knows: configuration, environment, stored sign-ins. What came down in an earlier run
is not asked for again. The exit status is 0 if every document is there.
"""

import sys
from pathlib import Path

from downspout import Client


def main(folder: Path, uris: list[str]) -> int:
    """Bring `uris` down into `folder`; return the exit status."""
    missing = 0
    with Client.from_user_config(retries=2) as client:
        for result in client.download_many(uris, folder, jobs=4, ledger=folder.with_suffix(".sqlite")):
            if result.status == "ok":
                print(f"{result.path.relative_to(folder)}: {result.size} bytes, verified: {result.verified}")
            elif result.error is not None:
                missing += 1
                print(f"{result.error.message} {result.error.hint or ''}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
