"""Run it: see bin/bench."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from tests.benchmark import imports, pages, peers, report, size  # noqa: E402

PARTS = ("large", "small", "memory", "size", "pages")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/bench", description="What an import takes, as ratios of one run.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--days", type=int, default=34, help="of the large files, of three destinations")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; may be repeated")
    parser.add_argument("--peers", action="store_true", help="bulk_create and, where it is installed, dlt, too")
    parser.add_argument("--write", action="store_true", help="the table to docs/performance.md")
    options = parser.parse_args()
    wanted = options.only or PARTS
    figures: list[report.Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        name = f"bench_{os.getpid()}"
        connection.settings_dict["NAME"] = name
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            for part in wanted:
                sys.stderr.write(f"{part} ...\n")
                found = _figures(part, Path(folder), options)
                sys.stderr.write(f"{report.table(found)}\n\n")  # whatever becomes of the next part
                figures += found
            where = report.circumstances()
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
    text = f"{where}.\n\n{report.table(figures)}"
    print(text)  # noqa: T201
    if options.write:
        report.write(text)


def _figures(part: str, folder: Path, options: argparse.Namespace) -> list[report.Figure]:
    if part == "large":
        found = imports.large_files(folder, options.rounds, options.days, peers=options.peers)
        return found + (peers.dlt_beside_import() if options.peers else [])
    if part == "small":
        return imports.small_files(folder, options.rounds)
    return {"memory": imports.memory, "size": size.compacting, "pages": pages.pages}[part](folder)


if __name__ == "__main__":
    main()
