# Fails if any run failed, after everything else is finished.
rule check_study:
    input:
        summary=f"{STUDY_DIR}/summary.csv",
        report=f"{STUDY_DIR}/report.html",
    output:
        touch(f"{STUDY_DIR}/complete"),
    log:
        f"{STUDY_DIR}/logs/check_study.log",
    benchmark:
        f"{STUDY_DIR}/benchmarks/check_study.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    script:
        "../scripts/check_study.py"
