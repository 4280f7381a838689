"""What the scripts share: the log, and the outcome file of a step that may fail.

Only the standard library is imported here: threads are set before anything reads them.
"""

import json
import os
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path


def start_job(snakemake):
    """Send everything printed from here on, compiled code and tracebacks included, to the log; set the threads."""
    log = os.open(snakemake.log[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ["NUMBA_NUM_THREADS"] = str(snakemake.threads)


def read_outcome(path):
    """Return `status` (done or failed) and `message` of an earlier step."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


@contextmanager
def write_outcome(path):
    """Write to `path` how the body ended, {status: done | failed, message}, which is also yielded.

    Exceptions of the body end here. A job that is killed writes nothing, and so has failed for Snakemake too.
    """
    from nemd_core.errors import Interrupted, NemdError
    from nemd_core.storage import write_json

    outcome = {"status": "done", "message": ""}
    try:
        yield outcome
    except Interrupted as error:  # not the end of the run: the job fails, and goes on when it is tried again
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
    except Exception as error:
        if not isinstance(error, NemdError):  # unforeseen: where it happened matters
            traceback.print_exc()
        outcome |= {"status": "failed", "message": str(error) or type(error).__name__}
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    write_json(path, outcome)
