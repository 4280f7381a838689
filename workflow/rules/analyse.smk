# Writes profile.csv, interface.json, profile.png and running.png; of a run that failed only the outcome, with the reason.
rule analyse_run:
    input:
        outcome=f"{STUDY_DIR}/{{run}}/simulate_run.json",
    output:
        outcome=f"{STUDY_DIR}/{{run}}/analyse_run.json",
    log:
        f"{STUDY_DIR}/{{run}}/logs/analyse_run.log",
    benchmark:
        f"{STUDY_DIR}/{{run}}/benchmarks/analyse_run.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    script:
        "../scripts/analyse_run.py"
