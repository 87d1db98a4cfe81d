# Skymill: from raw frames to a published data release. The table of contents.
from snakemake.utils import min_version

min_version("9.27")

# A release's own configuration replaces the default, the mini release's; --config alters either.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


container: "docker://skymill/skymill:0.1.0"


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/references.smk"
include: "workflow/rules/calibrations.smk"
include: "workflow/rules/frames.smk"
include: "workflow/rules/tiles.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/masters.smk"
include: "workflow/rules/sky.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/environments.smk"


onstart:
    begin()


onsuccess:
    end(owner.SUCCEEDED)


onerror:
    end(owner.FAILED)


rule all:
    default_target: True
    input:
        rules.manifest.output.json,
        rules.manifest.output.table,
        rules.report.output.page,


# A target per room: snakemake --cores all frames


rule references:
    input:
        lambda wildcards: [
            TREE.reference(name, cell)
            for name in CATALOGUES
            for cell in REFERENCE_CELLS
        ],


rule calibrations:
    input:
        CALIBRATION_RECEIPTS,


rule frames:
    input:
        lambda wildcards: [TREE.frame(name, "json") for name in EXPOSURES],


rule tiles:
    input:
        lambda wildcards: stack_planes("nexp"),
        WARP_RECEIPTS,


rule sources:
    input:
        lambda wildcards: [TREE.catalogue(tile, "Idual") for tile in TILES],
        f"{OUT}/stacks/stacks.parquet",


rule masters:
    input:
        [TREE.hats(name, "hats.properties") for name in HATS_GROUPS],


rule sky:
    input:
        rules.hips.output.properties,
        rules.viewer.output.page,


rule release:
    input:
        rules.all.input,
