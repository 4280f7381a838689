# Last of all: fails if any run failed, after everything else is finished. The outcomes stand here too because Snakemake
# makes a missing file again only if a job that has to run asks for it itself: so a removed outcome is tried again.
rule check_study:
    input:
        summary=f"{STUDY_DIR}/summary.csv",
        figure=f"{STUDY_DIR}/sweep.png",
        outcomes=expand(f"{STUDY_DIR}/{{run}}/{{name}}", run=CONFIGS, name=OUTCOMES),
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
