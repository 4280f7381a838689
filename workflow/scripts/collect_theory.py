"""Write theory.csv: what theory says of each run of the sweep; of those that limits add it says nothing new."""

import csv
import json
from pathlib import Path

from jobs import read_outcome, start_job

start_job(snakemake)

from nemd_core.storage import atomic
from nemd_core.theory.prediction_files import PREDICT, RESISTANCES

store = Path(snakemake.output[0]).parent / "theory"
rows = []
for run, key in snakemake.params.runs.items():
    outcome, path = read_outcome(store / key / "predict_theory.json"), store / key / PREDICT
    done = outcome["status"] == "done"
    fields = json.loads(path.read_text(encoding="utf-8")) if done else {}
    status = "done" if done else f"failed: {outcome['message']}"
    rows.append([run, key, *(fields.get(name) for name in RESISTANCES), status])
with atomic(snakemake.output[0]) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
    csv.writer(file, lineterminator="\n").writerows([["run", "key", *RESISTANCES, "status"], *rows])
