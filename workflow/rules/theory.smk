# One job for each junction whose theory differs, whatever the number of runs that share it. Like a run's, its outcome is
# written whether it went well or not: what theory cannot do leaves a study without that line in its figure.
rule predict_theory:
    input:
        unpack(get_theory_material),
    output:
        outcome=f"{STUDY_DIR}/theory/{{key}}/predict_theory.json",
    log:
        f"{STUDY_DIR}/theory/{{key}}/logs/predict_theory.log",
    benchmark:
        f"{STUDY_DIR}/theory/{{key}}/benchmarks/predict_theory.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 2
    resources:
        mem_mb=get_theory_memory,
        runtime=get_theory_runtime,
    params:
        crystals=f"{STUDY_DIR}/crystals",
    script:
        "../scripts/predict_theory.py"


rule collect_theory:
    input:
        outcomes=expand(f"{STUDY_DIR}/theory/{{key}}/predict_theory.json", key=THEORIES),
    output:
        f"{STUDY_DIR}/theory.csv",
    log:
        f"{STUDY_DIR}/logs/collect_theory.log",
    benchmark:
        f"{STUDY_DIR}/benchmarks/collect_theory.tsv"
    localrule: True
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        runs=THEORY_KEYS,
    script:
        "../scripts/collect_theory.py"
