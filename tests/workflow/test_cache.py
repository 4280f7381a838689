"""The cache of compiled code under many writers at once."""

import multiprocessing

from numba.core.caching import IndexDataCacheFile

N_WRITERS, N_KEYS = 2, 50


def write_keys(directory, writer):
    import nemd_core.jit  # noqa: F401  (puts the lock in place)

    for number in range(N_KEYS):
        key = (writer, number)
        IndexDataCacheFile(directory, "function-1", "stamp").save(key, key)


def test_parallel_writers_keep_every_entry(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_keys, args=(str(tmp_path), w)) for w in range(N_WRITERS)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0] * N_WRITERS
    reader = IndexDataCacheFile(str(tmp_path), "function-1", "stamp")
    for key in [(writer, number) for writer in range(N_WRITERS) for number in range(N_KEYS)]:
        assert reader.load(key) == key
