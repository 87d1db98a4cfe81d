# masters: tile catalogues → master catalogues, a HEALPix cell a job: merge bands, link the tiles'
# overlaps, aggregate, identify, E(B−V); then single-epoch detections and cross-matches; HATS.


rule idual_master:
    input:
        catalogues=lambda wildcards: [
            TREE.catalogue(tile, "Idual") for tile in MASTER_TILES[int(wildcards.cell)]
        ],
        dust=lambda wildcards: dust_maps(),
    output:
        table=published(TREE.hats_cell("idual_master", "{cell}")),
        receipt=receipt("idual_master", "{cell}"),
    log:
        f"{RUN}/logs/idual_master/{{cell}}.log",
    benchmark:
        f"{RUN}/benchmarks/idual_master/{{cell}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("idual_master"),
        runtime=minutes("idual_master"),
    params:
        config=CONFIG,
        dust=lambda wildcards, input: (
            f"--dust {shlex.quote(str(Path(input.dust[0]).parent))}"
            if input.dust
            else ""
        ),
        settings=settings("references", "masters"),
        code=code("masters idual"),
    shell:
        "python -m skymill masters idual --config {params.config} --cell {wildcards.cell}"
        " --catalogues {input.catalogues} {params.dust}"
        " --out {output.table} --receipt {output.receipt} > {log} 2>&1"


rule single_master:
    input:
        catalogues=lambda wildcards: [
            TREE.catalogue(tile, f"single_{band}")
            for tile in MASTER_TILES[int(wildcards.cell)]
            for band in BANDS
        ],
        dust=lambda wildcards: dust_maps(),
    output:
        table=published(TREE.hats_cell("single_master", "{cell}")),
        receipt=receipt("single_master", "{cell}"),
    log:
        f"{RUN}/logs/single_master/{{cell}}.log",
    benchmark:
        f"{RUN}/benchmarks/single_master/{{cell}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("single_master"),
        runtime=minutes("single_master"),
    params:
        config=CONFIG,
        dust=lambda wildcards, input: (
            f"--dust {shlex.quote(str(Path(input.dust[0]).parent))}"
            if input.dust
            else ""
        ),
        settings=settings("references", "masters"),
        code=code("masters single"),
    shell:
        "python -m skymill masters single --config {params.config} --cell {wildcards.cell}"
        " --catalogues {input.catalogues} {params.dust}"
        " --out {output.table} --receipt {output.receipt} > {log} 2>&1"


rule detections:
    input:
        # The frames' catalogues and verdicts, by their stacks: a quarter of the files to follow.
        stacks=lambda wildcards: [
            receipt("stack", f"{tile}.{band}")
            for tile in MASTER_TILES[int(wildcards.cell)]
            for band in BANDS
        ],
        masters=lambda wildcards: [
            TREE.hats_cell("single_master", cell)
            for cell in sorted(
                neighbour_cells(
                    [int(wildcards.cell)], SETTINGS["masters"]["cell_order"]
                )
                & set(MASTER_TILES)
            )
        ],
    output:
        table=published(TREE.hats_cell("detections", "{cell}")),
        receipt=receipt("detections", "{cell}"),
    log:
        f"{RUN}/logs/detections/{{cell}}.log",
    benchmark:
        f"{RUN}/benchmarks/detections/{{cell}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("detections"),
        runtime=minutes("detections"),
    params:
        config=CONFIG,
        catalogues=lambda wildcards: [
            TREE.frame(exposure, "cat.parquet")
            for tile in MASTER_TILES[int(wildcards.cell)]
            for band in BANDS
            for exposure in FRAMES[tile, band]
        ],
        settings=settings("masters"),
        code=code("masters detections"),
    shell:
        "python -m skymill masters detections --config {params.config}"
        " --cell {wildcards.cell} --catalogues {params.catalogues} --masters {input.masters}"
        " --out {output.table} --receipt {output.receipt} > {log} 2>&1"


rule crossmatch:
    input:
        master=TREE.hats_cell("single_master", "{cell}"),
        references=imported("gaia"),
    output:
        table=published(TREE.hats_cell("gaia", "{cell}")),
        receipt=receipt("crossmatch", "{cell}"),
    log:
        f"{RUN}/logs/crossmatch/{{cell}}.log",
    benchmark:
        f"{RUN}/benchmarks/crossmatch/{{cell}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("crossmatch"),
        runtime=minutes("crossmatch"),
    params:
        config=CONFIG,
        reference=lambda wildcards: sorted(
            {
                path
                for tile in MASTER_TILES[int(wildcards.cell)]
                for path in references("gaia", tile)
            }
        ),
        settings=settings("masters"),
        code=code("masters crossmatch"),
    shell:
        "python -m skymill masters crossmatch --config {params.config}"
        " --cell {wildcards.cell} --master {input.master} --reference {params.reference}"
        " --out {output.table} --receipt {output.receipt} > {log} 2>&1"


rule hats:
    input:
        cells=lambda wildcards: [
            TREE.hats_cell(wildcards.catalogue, cell) for cell in MASTER_TILES
        ],
    output:
        files=published(
            [f"{OUT}/{{group}}/{{catalogue}}/{name}" for name in HATS_FILES]
        ),
        receipt=receipt("hats", "{group}.{catalogue}"),
    log:
        f"{RUN}/logs/hats/{{group}}.{{catalogue}}.log",
    benchmark:
        f"{RUN}/benchmarks/hats/{{group}}.{{catalogue}}.tsv"
    conda:
        "../../envs/catalogue.yaml"
    resources:
        mem_mb=memory("hats"),
        runtime=minutes("hats"),
    params:
        config=CONFIG,
        folder=lambda wildcards: f"{OUT}/{wildcards.group}/{wildcards.catalogue}",
        settings=settings("release", "masters"),
        code=code("masters hats"),
    shell:
        "python -m skymill masters hats --config {params.config}"
        " --catalogue {wildcards.catalogue} --folder {params.folder} --cells {input.cells}"
        " --receipt {output.receipt} > {log} 2>&1"
