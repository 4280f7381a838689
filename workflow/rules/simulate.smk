# samples.h5 and run.json are not declared as outputs: Snakemake deletes those of a job that fails, and what a run
# measured before it was stopped stays readable. The outcome is written whether the run went well or not, so that one
# run cannot hide the others.
rule simulate_run:
    input:
        config=f"{STUDY_DIR}/{{run}}/config.yaml",
        structure=f"{STUDY_DIR}/{{run}}/structure.extxyz",
        leader=get_leader,
    output:
        outcome=f"{STUDY_DIR}/{{run}}/simulate_run.json",
    log:
        f"{STUDY_DIR}/{{run}}/logs/simulate_run.log",
    benchmark:
        f"{STUDY_DIR}/{{run}}/benchmarks/simulate_run.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: get_threads
    resources:
        mem_mb=get_memory,
        runtime=get_runtime,
    script:
        "../scripts/simulate_run.py"
