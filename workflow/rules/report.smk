# The whole study in one file: table, every run's figures and checks, the study's figures, where it all comes from.
rule write_report:
    input:
        summary=f"{STUDY_DIR}/summary.csv",
        figure=f"{STUDY_DIR}/sweep.png",
        limits=f"{STUDY_DIR}/limits.csv" if STUDY.limits else [],
        config=f"{STUDY_DIR}/{STUDY.name}.yaml",
    output:
        f"{STUDY_DIR}/report.html",
    log:
        f"{STUDY_DIR}/logs/write_report.log",
    benchmark:
        f"{STUDY_DIR}/benchmarks/write_report.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    script:
        "../scripts/write_report.py"
