# Runs only for a study with `limits`: the figures are those of its limits, one each.
rule extrapolate_limits:
    input:
        **LIMITS_FILE,
        summary=f"{STUDY_DIR}/summary.csv",
    output:
        table=report(f"{STUDY_DIR}/limits.csv", caption="../report/limits.rst", category="Limits"),
        figures=report(
            expand(f"{STUDY_DIR}/{{figure}}.png", figure=LIMIT_FIGURES),
            caption="../report/limits.rst",
            category="Limits",
        ),
        vectors=expand(f"{STUDY_DIR}/{{figure}}.pdf", figure=LIMIT_FIGURES),
    log:
        f"{STUDY_DIR}/logs/extrapolate_limits.log",
    benchmark:
        f"{STUDY_DIR}/benchmarks/extrapolate_limits.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    script:
        "../scripts/extrapolate_limits.py"
