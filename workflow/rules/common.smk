# What every room looks up, built once: the checked configuration, the tables, the paths, and which
# exposures and cells belong to a tile.
import shlex
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

PACKAGE = str(Path(workflow.basedir) / "workflow")
sys.path.insert(0, PACKAGE)

from snakemake.logging import logger as snakemake_logger

from skymill import owner
from skymill.cluster import watch_slurm
from skymill.code_version import Code
from skymill.config import (
    check_config,
    load_camera,
    load_rows,
    read_yaml,
    without_switches,
)
from skymill.frames.shared import shared_exposures
from skymill.geometry import REFERENCE_MARGIN, cells_of_square, neighbour_cells
from skymill.io.provenance import settings_hash
from skymill.plan.costs import read_costs
from skymill.plan.graph import jobs_of, without_needless_checks
from skymill.plan.requests import Requests
from skymill.plan.space import check_space
from skymill.plan.survey import Survey
from skymill.published import Published
from skymill.references.coverage import exposure_margin
from skymill.tree import (
    ASTROMETRIC_MAPS,
    COLOR,
    HATS_FILES,
    MAP_ARCHIVES,
    MODES,
    PHOTOMETRIC_MAPS,
    Tree,
    hats_groups,
)
from skymill.workflow import (
    NOTHING_SAID,
    ClusterReasons,
    check_survey,
    not_published,
    collect_garbage,
    missing_file,
    prepare_environment,
    stopping,
    store_config,
    store_list,
    summary_of_failures,
    summary_of_success,
    withdraw,
    with_types,
)

prepare_environment(PACKAGE)
# A cluster's job, which reads this file too, ends here if its run has ended: going on, Snakemake
# would remove the outputs that another run may have made since.
if not workflow.is_main_process:
    with stopping():
        owner.check()
# Snakemake takes PYTHONPATH away from jobs in conda environments: each sets it for itself.
shell.prefix(f"export PYTHONPATH={shlex.quote(PACKAGE)}; ")
collect_garbage(False)
without_needless_checks()
CONFIG_FILES = workflow.overwrite_configfiles or ["config/config.yaml"]

with stopping():
    CONFIGURATION = with_types(config)
    CHECKED = check_config(CONFIGURATION, " + ".join(map(str, CONFIG_FILES)))
    SETTINGS, WARPS = without_switches(CHECKED), CHECKED["tiles"]["warps"]
    INJECTION = CHECKED["sources"]["injection"]
    CAMERA = load_camera(SETTINGS["camera"])
    CAMERA_HASH = settings_hash(read_yaml(SETTINGS["camera"]))
    TABLES = SETTINGS["tables"]
    TILES = {row["tile"]: row for row in load_rows(TABLES["tiles"], "tiles_table")}
    EXPOSURES = {
        row["exposure"]: row for row in load_rows(TABLES["exposures"], "exposures")
    }
    CALIBRATIONS = {
        row["frame"]: row
        for row in load_rows(TABLES["calibrations"], "calibrations_table")
    }
    check_survey(SETTINGS, CAMERA, TILES, EXPOSURES, CALIBRATIONS)

RELEASE = SETTINGS["release"]["name"]
BUILD = SETTINGS.get("build", {})
PREFIX = SETTINGS["release"]["archive_prefix"]
BANDS = SETTINGS["bands"]
TREE = Tree.of(SETTINGS)
DATA, OUT, RUN, WORK, CONFIG = TREE.data, TREE.out, TREE.run, TREE.work, TREE.config
receipt = TREE.receipt
CODE = Code(Path(PACKAGE) / "skymill", Path(workflow.basedir) / "resources/tables")


def code(*commands):
    """The version of the commands' code: what a rule runs again for, beside its settings."""
    return CODE.version(*commands)


@cache
def sections_hash(*sections):
    """A hash of config sections and the camera."""
    chosen = {name: SETTINGS[name] for name in sections}
    return settings_hash({"camera": CAMERA_HASH, "bands": BANDS, **chosen})


def settings(*sections, **rows):
    """A hash of config sections, the camera and table rows: what a rule runs again for."""
    common = sections_hash(*sections)
    return settings_hash({"sections": common, **rows}) if rows else common


PUBLISHED = Published(BUILD["verify"]) if "verify" in BUILD else None


def published(products):
    """Outputs that last. A verified rebuild (build.verify) fails the job whose output differs."""
    if PUBLISHED is None:
        return products
    if not isinstance(products, str):
        return [published(product) for product in products]
    return ensure(
        products,
        non_empty=True,
        sha256=lambda wildcards: PUBLISHED.sha256(products.format(**wildcards)),
    )


def given(path):
    """A file that comes from outside, not from a rule. A plan does without it, a run doesn't."""
    if "simulate" in SETTINGS or Path(path).exists():
        return path
    if workflow.executor_plugin is None or workflow.dryrun:
        return []
    with stopping():
        raise missing_file(path)


def raw_frame(exposure):
    """The raw file of an exposure."""
    return given(TREE.raw(EXPOSURES[exposure]["path"]))


def masters_of(wildcards):
    """The calibration masters of an exposure; none where frames arrive reduced."""
    if "calibrations" not in SETTINGS:
        return {}
    row = EXPOSURES[wildcards.exposure]
    names = ["bias.fits", "dark.fits", f"flat_{row['band']}.fits", "defects.fits"]
    names += ["crosstalk.json", "slopes.json"]
    kinds = ["bias", "dark", "flat", "defects", "crosstalk", "slopes"]
    return {
        kind: TREE.calib(row["site"], row["run"], name)
        for kind, name in zip(kinds, names)
    }


FRAME_PIXELS = sum(chip.shape[0] * chip.shape[1] for chip in CAMERA.chips.values())
TILE_PIXELS = SETTINGS["tiles"]["size"] ** 2
TILE_SIDE = SETTINGS["tiles"]["size"] * SETTINGS["tiles"]["pixel_scale"] / 3600

# Exposures of a tile and band; calibration frames of a site and run, by kind and band.
SITE_RUNS = sorted({(row["site"], row["run"]) for row in EXPOSURES.values()})
FRAMES = defaultdict(list)
for name, row in EXPOSURES.items():
    FRAMES[row["tile"], row["band"]].append(name)
MASTERS = defaultdict(list)
for row in CALIBRATIONS.values():
    MASTERS[row["site"], row["run"], row["kind"], row["band"] or ""].append(
        TREE.raw(row["path"])
    )


# HEALPix cells that a tile touches (its square and a margin), and the tiles that a cell needs.
def tile_cells(order, margin=0.0):
    """Tile → cells it touches."""
    return {
        tile: cells_of_square(row["ra"], row["dec"], TILE_SIDE + margin, order)
        for tile, row in TILES.items()
    }


def cell_tiles(cells):
    """Cell → tiles that touch it, in the tables' order."""
    found = defaultdict(list)
    for tile, touched in cells.items():
        for cell in touched:
            found[cell].append(tile)
    return dict(sorted(found.items()))


CATALOGUES = SETTINGS["references"]["catalogues"]
TILE_REFERENCES = tile_cells(
    SETTINGS["references"]["cell_order"], margin=REFERENCE_MARGIN
)
# Exposures may lie off their tile.
EXPOSURE_REFERENCES = tile_cells(
    SETTINGS["references"]["cell_order"], margin=exposure_margin(SETTINGS["frames"])
)
REFERENCE_CELLS = sorted(
    {cell for cells in EXPOSURE_REFERENCES.values() for cell in cells}
)
MASTER_TILES = cell_tiles(tile_cells(SETTINGS["masters"]["cell_order"]))
SKY_TILES = cell_tiles(tile_cells(SETTINGS["sky"]["cell_order"]))
# What jobs ask for follows from their sizes and from resources/costs.csv, as what skymill plan says.
SURVEY = Survey.of(globals())
with stopping():
    REQUESTS = Requests(SURVEY, read_costs())
memory, minutes = REQUESTS.memory, REQUESTS.minutes

HIPS_MAPS = [*BANDS, COLOR]
HATS_GROUPS = hats_groups(CATALOGUES)
FRAME_STEPS = ["ingest"] if "ingest" in SETTINGS["frames"] else ["pixels", "calibrate"]

# Exposures whose frames an earlier release has, made in the same way (build.frames_from).
EARLIER = BUILD.get("frames_from")
with stopping():
    SHARED = shared_exposures(SETTINGS, EARLIER, EXPOSURES) if EARLIER else frozenset()


def frame_files(exposure, suffixes):
    """Products of an exposure."""
    return [TREE.frame(exposure, suffix) for suffix in suffixes]


@cache
def references(catalogue, tile):
    """The cells of a reference catalogue that a tile needs; none if the release has none."""
    return reference_paths(catalogue, TILE_REFERENCES[tile])


@cache
def exposure_references(catalogue, tile):
    """The cells of a reference catalogue that a tile's exposures may touch, or none."""
    return reference_paths(catalogue, EXPOSURE_REFERENCES[tile])


def reference_paths(catalogue, cells):
    """Cells of a reference catalogue; none if the release has none."""
    if catalogue not in CATALOGUES:
        return []
    return [TREE.reference(catalogue, cell) for cell in cells]


def imported(*catalogues):
    """What a job waits for that reads cells of reference catalogues: the receipts of the imports.

    A catalogue's cells are outputs of one job; to look each of them up would take a plan minutes.
    """
    return [
        receipt("reference_catalogue", name)
        for name in dict.fromkeys(catalogues)
        if name in CATALOGUES
    ]


def photometric_reference(exposure):
    """The catalogue that sets an exposure's zero point."""
    return SETTINGS["frames"]["photometry"]["reference"][EXPOSURES[exposure]["band"]]


# The bands whose exposures have a colour term (frames.photometry.color_terms): the release has both
# bands of its colour.
PAIRS = SETTINGS["frames"].get("photometry", {}).get("color_terms", {}).get("colors")
COLORED = [b for b, pair in (PAIRS or {}).items() if {b, *pair} <= set(BANDS)]


def color_catalogue(exposure):
    """The catalogue of stars' colours that an exposure's colour term is fitted to, or none."""
    return ["gaiaxp"] if EXPOSURES[exposure]["band"] in COLORED else []


def color_cells(exposure):
    """The option that names an exposure's cells of that catalogue; none if there are none."""
    cells = [
        path
        for name in color_catalogue(exposure)
        for path in exposure_references(name, EXPOSURES[exposure]["tile"])
    ]
    return ["--colors", *cells] if cells else []


# The exposure of each tile, of all bands, that the others are tied to (frames.astrometry.tie).
ANCHORS = {}
for name, row in EXPOSURES.items():
    other = ANCHORS.setdefault(row["tile"], name)
    if (row["mjd"], name) < (EXPOSURES[other]["mjd"], other):
        ANCHORS[row["tile"]] = name


def tie_of(exposure):
    """Catalogue and verdict of the exposure that one is tied to; none by default."""
    anchor = ANCHORS[EXPOSURES[exposure]["tile"]]
    if anchor == exposure or "tie" not in SETTINGS["frames"].get("astrometry", {}):
        return []
    return [TREE.frame(anchor, suffix) for suffix in ("cat.parquet", "json")]


def first_exposure(exposure):
    """The earliest exposure of the same tile and band."""
    row = EXPOSURES[exposure]
    return FRAMES[row["tile"], row["band"]][0]


def dust_maps():
    """The maps of E(B−V); none if the release has none."""
    if "dust" not in SETTINGS["references"]:
        return []
    folder = f"{DATA}/{SETTINGS['references']['dust']}"
    maps = [given(f"{folder}/SFD_dust_4096_{pole}.fits") for pole in ("ngp", "sgp")]
    return [path for path in maps if path]


def maps_of_kind(kind):
    """Every map of one kind, over tiles, bands and modes."""
    return [
        path
        for tile in TILES
        for band in BANDS
        for mode in MODES
        for path in TREE.maps(tile, band, mode, (kind,))
    ]


def stack_planes(plane):
    """One plane of every stack."""
    return [TREE.stack(tile, band, plane) for tile in TILES for band in BANDS]


def injected(tile):
    """What injected sources show of a tile: tables and summaries of its bands, if it is wanted."""
    return [path for band in BANDS if INJECTION for path in TREE.injected(tile, band)]


def map_units(tile):
    """What the commands are for that make a tile's maps."""
    return [*(f"{tile}.{band}.single" for band in BANDS), f"{tile}.Idual"]


def map_receipts():
    """The receipts of every map."""
    return [receipt("sources_maps", name) for tile in TILES for name in map_units(tile)]


def all_receipts():
    """The receipt of every command whose products are part of the release."""
    return [
        *(receipt(f"frames_{step}", e) for step in FRAME_STEPS for e in EXPOSURES),
        *CALIBRATION_RECEIPTS,
        *SIMULATION_RECEIPTS,
        *(receipt("reference_catalogue", name) for name in CATALOGUES),
        *(receipt("stack", f"{tile}.{band}") for tile in TILES for band in BANDS),
        *WARP_RECEIPTS,
        *(
            receipt("sources_extract", f"{tile}.{band}")
            for tile in TILES
            for band in BANDS
        ),
        *(
            receipt("sources_homogenise", f"{tile}.{band}")
            for tile in TILES
            for band in BANDS
        ),
        receipt("stack_table", RELEASE),
        *(receipt("sources_forced", tile) for tile in TILES),
        *map_receipts(),
        *(receipt("tile_catalogues", tile) for tile in TILES),
        *INJECTION_RECEIPTS,
        *(
            receipt(rule_name, cell)
            for rule_name in (
                "idual_master",
                "single_master",
                "detections",
                *(["crossmatch"] if "gaia" in CATALOGUES else []),
            )
            for cell in MASTER_TILES
        ),
        *(receipt("hats", f"{group}.{name}") for name, group in HATS_GROUPS.items()),
        *(receipt("hips_cell", cell) for cell in SKY_TILES),
        receipt("hips", RELEASE),
        receipt("viewer", RELEASE),
        *(receipt("map_archive", name) for name in MAP_ARCHIVES),
        *(receipt("catalogue_archive", name) for name in HATS_GROUPS),
        receipt("report", RELEASE),
    ]


SIMULATION_RECEIPTS = (
    [
        receipt("simulate_sky", RELEASE),
        *(receipt("simulate_exposure", exposure) for exposure in EXPOSURES),
        *(receipt("simulate_calibration", frame) for frame in CALIBRATIONS),
    ]
    if "simulate" in SETTINGS
    else []
)
CALIBRATION_RECEIPTS = (
    [
        *(
            receipt(step, f"{site}.{run}")
            for site, run in SITE_RUNS
            for step in ("master_bias", "master_dark", "slopes", "defects", "crosstalk")
        ),
        *(
            receipt("master_flat", f"{site}.{run}.{band}")
            for site, run, kind, band in sorted(MASTERS)
            if kind == "flat"
        ),
    ]
    if "calibrations" in SETTINGS
    else []
)
WARP_RECEIPTS = (
    [
        receipt("warp", f"{row['tile']}.{row['band']}.{exposure}")
        for exposure, row in EXPOSURES.items()
    ]
    if WARPS
    else []
)
INJECTION_RECEIPTS = (
    [
        *(receipt("injection", f"{tile}.{band}") for tile in TILES for band in BANDS),
        *(receipt("injection_plot", tile) for tile in TILES),
    ]
    if INJECTION
    else []
)

# What the jobs read: the configuration, overrides merged in, and lists too long for a command line.
# One run at a time builds a release, and no other changes what its jobs read.
OWNER = f"{RUN}/owner"
CLUSTER_REASONS = ClusterReasons()
RECEIPTS = f"{RUN}/lists/receipts.txt"


def store_settings():
    """Write the configuration and the lists where they have changed."""
    store_config(CONFIGURATION, CONFIG)
    store_list(all_receipts(), RECEIPTS)
    for name, kind in MAP_ARCHIVES.items():
        store_list(maps_of_kind(kind), f"{RUN}/lists/{name}.txt")


def begin():
    """Claim the release for this run; called before its first job.

    From here on the release isn't what its manifest says. Without the manifest whatever this run
    leaves undone is found missing by the next (Snakemake doesn't miss a file whose successors are
    there).
    """
    if workflow.is_main_process:
        collect_garbage(True)
        with stopping():
            if PUBLISHED:
                PUBLISHED.check_release(RELEASE)
            check_environments()
            if BUILD.get("check_disk", True):
                cores = workflow.resource_settings.cores or workflow.nodes
                check_space(jobs_of(workflow.dag), SURVEY, cores, OUT)
            watch_slurm(workflow, snakemake_logger.warning)
            owner.claim(OWNER, [DATA, OUT])
            snakemake_logger.addHandler(CLUSTER_REASONS)
            store_settings()
            withdraw(rules.manifest.output)


def end(state):
    """Say what failed or was built, and let other runs build the release."""
    if workflow.is_main_process:
        failed = workflow.scheduler.failed if workflow.scheduler else ()
        jobs, reasons = [], {}
        for job in failed:
            name = " ".join([job.rule.name, *map(str, job.wildcards)])
            jobs.append((name, list(job.log)))
            reasons[name] = CLUSTER_REASONS.said.get(workflow.dag.jobid(job), "")
        if jobs:
            silent = not_published(PUBLISHED.folder) if PUBLISHED else NOTHING_SAID
            waiting = sum(1 for job in workflow.dag.needrun_jobs()) - len(jobs)
            text = summary_of_failures(jobs, waiting, silent=silent, reasons=reasons)
            print(text, file=sys.stderr, flush=True)
        elif state == owner.SUCCEEDED and (text := summary_of_success(OUT, CONFIG)):
            print(text, file=sys.stderr, flush=True)
        owner.release(OWNER, state)


# A job of a cluster reads this file too, and leaves what its run has stored as it is.
if workflow.is_main_process and not owner.is_busy(OWNER):
    with stopping():
        store_settings()


wildcard_constraints:
    exposure=r"[^/]+(?<!\.mask)",
    frame=r"[^/]+",
    site=r"[^/]+",
    run=r"[^/]+",
    tile=r"[0-9]{4}\.[0-9]{3}[-+][0-9]{2}",
    band=r"[A-Z]",
    cell=r"[0-9]+",
    catalogue=r"[a-z_0-9]+",
    group="masters|crossmatch",
