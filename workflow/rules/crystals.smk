# One job for each crystal that `lattice_constant: auto` asks for, whatever the number of runs that share it.
rule relax_crystal:
    input:
        get_bulk_crystals,
    output:
        f"{STUDY_DIR}/crystals/{{crystal}}.json",
    log:
        f"{STUDY_DIR}/crystals/logs/{{crystal}}.log",
    benchmark:
        f"{STUDY_DIR}/crystals/benchmarks/{{crystal}}.tsv"
    conda:
        "../envs/nemd.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        crystal=lambda wildcards: asdict(CRYSTALS[wildcards.crystal]),
    script:
        "../scripts/relax_crystal.py"
