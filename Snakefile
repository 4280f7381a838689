# One study: every point of a config file, from the config to the table of R_K.
#
#   snakemake --cores 2 --configfile configs/x.yaml
#
# The file is read by nemd_core.config, which checks it; Snakemake's own `config` is not used (it would merge files).
from snakemake.utils import min_version

min_version("9.0")


if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/configs/default.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/build.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/collect.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/check.smk"


localrules:
    all,
    list_runs,
    collect_study,
    plot_study,
    check_study,


rule all:
    default_target: True
    input:
        f"{STUDY_DIR}/complete",


onsuccess:
    print(f"\nResults are in {STUDY_DIR}: summary.csv, sweep.png, and profile.png of each run.")


onerror:
    close_failed_study()
