# Of a study over two keys it writes map.png and map.pdf as well.
rule plot_study:
    input:
        summary=f"{STUDY_DIR}/summary.csv",
    output:
        report(f"{STUDY_DIR}/sweep.png", caption="../report/sweep.rst", category="Study"),
        f"{STUDY_DIR}/sweep.pdf",
    log:
        f"{STUDY_DIR}/logs/plot_study.log",
    benchmark:
        f"{STUDY_DIR}/benchmarks/plot_study.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/plot_study.py"
