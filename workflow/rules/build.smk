rule list_runs:
    input:
        STUDY_FILE,
    output:
        f"{STUDY_DIR}/runs.csv",
    log:
        f"{STUDY_DIR}/logs/list_runs.log",
    benchmark:
        f"{STUDY_DIR}/benchmarks/list_runs.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    script:
        "../scripts/list_runs.py"


rule build_structure:
    output:
        config=f"{STUDY_DIR}/{{run}}/config.yaml",
        structure=f"{STUDY_DIR}/{{run}}/structure.extxyz",
    log:
        f"{STUDY_DIR}/{{run}}/logs/build_structure.log",
    benchmark:
        f"{STUDY_DIR}/{{run}}/benchmarks/build_structure.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=get_memory,
        runtime=10,
    params:
        config=lambda wildcards: dump_config(CONFIGS[wildcards.run]),
    script:
        "../scripts/build_structure.py"
