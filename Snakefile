# One study: every point of a config file, from the config to the table of R_K and the report.
#   snakemake --cores 2 --configfile configs/x.yaml
# The file is read by nemd_core.config, which checks it; Snakemake's own `config` is not used (it would merge files).
from snakemake.utils import min_version

min_version("9.0")


if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/configs/default.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/crystals.smk"
include: "workflow/rules/build.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/collect.smk"
include: "workflow/rules/limits.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/check.smk"


localrules:
    all,
    list_runs,
    collect_study,
    extrapolate_limits,
    plot_study,
    write_report,
    check_study,


# Its command makes it run always: so every call ends with the table, and missing outcomes (of runs that failed) are made again.
rule all:
    default_target: True
    input:
        f"{STUDY_DIR}/complete",
        expand(f"{STUDY_DIR}/{{run}}/{{name}}", run=CONFIGS, name=OUTCOMES),
    log:
        f"{STUDY_DIR}/logs/all.log",
    conda:
        "workflow/envs/nemd.yaml"
    shell:
        ": > {log}"


onsuccess:
    show_study()


onerror:
    close_failed_study()
