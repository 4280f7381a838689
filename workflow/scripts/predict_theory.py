"""What theory says of one junction of the study: predict.json with its tables and figures."""

from pathlib import Path

from jobs import start_job, write_outcome

start_job(snakemake)

from analysis import plot_prediction
from nemd_core import predict
from nemd_core.config import load_study
from nemd_core.crystals import crystals_of, read_store
from nemd_core.errors import NemdError
from nemd_core.theory.prediction_files import PREDICT, theory_key

key, directory = snakemake.wildcards.key, Path(snakemake.output.outcome).parent
(directory / PREDICT).unlink(missing_ok=True)  # of an earlier result
with write_outcome(snakemake.output.outcome):
    points = load_study(snakemake.input.study).points
    config = next((point.config for point in points if theory_key(point.config) == key), None)
    if config is None:
        raise NemdError("the config file was changed meanwhile: its junctions are others now")
    crystals = read_store(snakemake.params.crystals, crystals_of(config)) or None
    predict(config, directory, crystals=crystals, threads=snakemake.threads)
    plot_prediction(directory)
