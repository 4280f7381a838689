"""What the scripts share: the log, the outcome file of a step that may fail, and a safe cache of compiled code.

Only the standard library is imported here: threads are set before anything reads them.
"""

import fcntl
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
    from nemd_core.errors import NemdError
    from nemd_core.storage import write_json

    outcome = {"status": "done", "message": ""}
    try:
        yield outcome
    except Exception as error:
        if not isinstance(error, NemdError):  # unforeseen: where it happened matters
            traceback.print_exc()
        outcome |= {"status": "failed", "message": str(error) or type(error).__name__}
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    write_json(path, outcome)


def share_cache():
    """Make Numba's cache of compiled code safe for parallel jobs; where files cannot be locked it is not used.

    Numba renames complete files into place, but adds an entry by reading the index, writing the index, and then
    writing the code. Two processes that compile one function for different types at the same time can so give both
    the same file, and one is later handed the other's code. A lock makes each addition, and each look-up, one step.
    """
    from numba.core.caching import IndexDataCacheFile

    if not hasattr(IndexDataCacheFile.save, "__wrapped__"):
        IndexDataCacheFile.save = _locked(IndexDataCacheFile.save, fcntl.LOCK_EX)
        IndexDataCacheFile.load = _locked(IndexDataCacheFile.load, fcntl.LOCK_SH)


def _locked(method, mode):
    def locked(self, *arguments):
        try:
            lock = open(Path(self._cache_path) / "lock", "a")
        except OSError:
            return None
        with lock:
            try:
                fcntl.flock(lock, mode)
            except OSError:
                return None
            return method(self, *arguments)

    locked.__wrapped__ = method
    return locked
