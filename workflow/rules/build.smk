# What the study is stands in a parameter: its points may come from a table beside the config file, and a config file that was
# only touched changes nothing.
rule list_runs:
    input:
        ancient(STUDY_FILE),
    output:
        **LIMITS_FILE,
        runs=f"{STUDY_DIR}/runs.csv",
        config=f"{STUDY_DIR}/{STUDY.name}.yaml",
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
    params:
        study=digest_study(),
    script:
        "../scripts/list_runs.py"


rule build_structure:
    input:
        unpack(get_building_material),
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
        crystals=f"{STUDY_DIR}/crystals",
    script:
        "../scripts/build_structure.py"
