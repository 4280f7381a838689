rule collect_study:
    input:
        **THEORY_FILE,
        runs=f"{STUDY_DIR}/runs.csv",
        outcomes=expand(f"{STUDY_DIR}/{{run}}/analyse_run.json", run=CONFIGS),
    output:
        report(f"{STUDY_DIR}/summary.csv", caption="../report/summary.rst", category="Study"),
    log:
        f"{STUDY_DIR}/logs/collect_study.log",
    benchmark:
        f"{STUDY_DIR}/benchmarks/collect_study.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/collect_study.py"
