# release: everything → archives, report, manifest.


rule map_archive:
    input:
        # Its maps, by the receipts of the jobs that made them: a fifth of the files to follow.
        maps=lambda wildcards: map_receipts(),
    output:
        archive=published(TREE.archive(PREFIX, "{archive}_Maps")),
        receipt=receipt("map_archive", "{archive}"),
    log:
        f"{RUN}/logs/map_archive/{{archive}}.log",
    benchmark:
        f"{RUN}/benchmarks/map_archive/{{archive}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("map_archive"),
        runtime=minutes("map_archive"),
    params:
        config=CONFIG,
        list=lambda wildcards: f"{RUN}/lists/{wildcards.archive}.txt",
        settings=settings("release"),
        code=code("release archive"),
    shell:
        "python -m skymill release archive --config {params.config} --list {params.list}"
        " --out {output.archive} --receipt {output.receipt} > {log} 2>&1"


rule catalogue_archive:
    input:
        cells=lambda wildcards: [
            TREE.hats_cell(wildcards.catalogue, cell) for cell in MASTER_TILES
        ],
        files=lambda wildcards: [
            TREE.hats(wildcards.catalogue, name) for name in HATS_FILES
        ],
    output:
        archive=published(TREE.archive(PREFIX, "{catalogue}")),
        receipt=receipt("catalogue_archive", "{catalogue}"),
    log:
        f"{RUN}/logs/catalogue_archive/{{catalogue}}.log",
    benchmark:
        f"{RUN}/benchmarks/catalogue_archive/{{catalogue}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("catalogue_archive"),
        runtime=minutes("catalogue_archive"),
    params:
        config=CONFIG,
        settings=settings("release"),
        code=code("release archive"),
    shell:
        "python -m skymill release archive --config {params.config}"
        " --files {input.cells} {input.files}"
        " --out {output.archive} --receipt {output.receipt} > {log} 2>&1"


rule report:
    input:
        slopes=[
            TREE.calib(site, run, "slopes.json")
            for site, run in SITE_RUNS
            if "calibrations" in SETTINGS
        ],
        # The report reads more than is named here, to plan with fewer files: the verdicts, which the
        # stacks have read; the stacks' other planes; maps and tile catalogues, which archives and
        # masters hold.
        stacks=f"{OUT}/stacks/stacks.parquet",
        images=lambda wildcards: stack_planes("image"),
        masks=lambda wildcards: stack_planes("mask"),
        completeness=lambda wildcards: [TREE.completeness(tile) for tile in TILES],
        injected=[path for tile in TILES for path in injected(tile)],
        idual=[TREE.hats_cell("idual_master", cell) for cell in MASTER_TILES],
        single=[TREE.hats_cell("single_master", cell) for cell in MASTER_TILES],
        detections=[TREE.hats_cell("detections", cell) for cell in MASTER_TILES],
        references=imported("gaiaxp"),
        crossmatch=[
            TREE.hats_cell("gaia", cell)
            for cell in MASTER_TILES
            if "gaia" in HATS_GROUPS
        ],
        coverage=expand(f"{OUT}/moc/{{name}}.fits", name=[*BANDS, RELEASE]),
        archives=[
            *(TREE.archive(PREFIX, f"{name}_Maps") for name in MAP_ARCHIVES),
            *(TREE.archive(PREFIX, name) for name in HATS_GROUPS),
        ],
    output:
        page=published(
            report(
                f"{OUT}/report/index.html",
                caption="../report/page.rst",
                category="Quality",
            )
        ),
        figures=published(f"{OUT}/report/figures.json"),
        receipt=receipt("report", RELEASE),
    log:
        f"{RUN}/logs/report.log",
    benchmark:
        f"{RUN}/benchmarks/report.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=memory("report"),
        runtime=minutes("report"),
    params:
        config=CONFIG,
        folder=subpath(output.page, ancestor=2),
        settings=settings("release"),
        code=code("release report"),
    shell:
        "python -m skymill release report --config {params.config} --folder {params.folder}"
        " --page {output.page} --figures {output.figures}"
        " --receipt {output.receipt} > {log} 2>&1"


rule manifest:
    input:
        receipts=lambda wildcards: all_receipts(),
    output:
        json=published(f"{OUT}/manifest.json"),
        table=published(f"{OUT}/manifest.parquet"),
        receipt=receipt("manifest", RELEASE),
    log:
        f"{RUN}/logs/manifest.log",
    benchmark:
        f"{RUN}/benchmarks/manifest.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("manifest"),
        runtime=minutes("manifest"),
    params:
        config=CONFIG,
        list=RECEIPTS,
        settings=settings("release"),
        code=code("release manifest"),
    shell:
        "python -m skymill release manifest --config {params.config}"
        " --receipts {params.list} --json {output.json} --table {output.table}"
        " --receipt {output.receipt} > {log} 2>&1"
