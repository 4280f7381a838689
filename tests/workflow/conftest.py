"""How the workflow tests call Snakemake: as a user does, in a directory of their own; dry runs without a new process."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.cli import main as snakemake_main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def snakemake():
    """Call `snakemake ARGUMENTS` in `directory`; return the finished process with its output as text.

    Jobs run one by one: two at once would both compile what the second can read from the cache.
    """

    def call(directory, config, *arguments):
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "1"]
        return subprocess.run(
            [*command, "--directory", directory, "--configfile", config, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=900,
        )

    return call


@pytest.fixture(scope="session")
def dry_run():
    """Call `snakemake --dry-run` in `directory`; return the same, without the seconds that a new process takes to start."""

    def call(directory, config):
        command = [
            "--snakefile",
            ROOT / "Snakefile",
            "--directory",
            directory,
            "--configfile",
            config,
            "--dry-run",
        ]
        output, status = io.StringIO(), 0
        with (
            contextlib.chdir(ROOT),  # Snakemake changes directory and stays there
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
        ):
            try:
                snakemake_main([str(word) for word in command])
            except SystemExit as end:
                status = end.code
        return subprocess.CompletedProcess(command, status, stdout=output.getvalue())

    return call


@pytest.fixture(scope="session")
def count_jobs():
    """Jobs of each rule in the output of a Snakemake call, without the rule `all`, which always runs."""

    def count(process):
        table = process.stdout.split("Job stats:")[1].split("\n\n")[0]
        jobs = {rule: int(number) for rule, number in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
        return {rule: number for rule, number in jobs.items() if rule not in ("all", "total")}

    return count
